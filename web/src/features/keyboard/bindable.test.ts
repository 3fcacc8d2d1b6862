import { expect, it } from 'vitest'

import type { Action, Where } from '@/ui/actions'

import { mayHave, rivals } from './bindable'

const action = (id: string, where: Where, ...keys: string[]): Action => ({ id, group: 'x', where, keys })
const ALL = [
  action('jump', 'everywhere', 'Mod+KeyK'),
  action('inbox', 'page', 'KeyG KeyI'),
  action('reply', 'message', 'KeyR'),
  action('edit', 'message', 'KeyE'),
  action('bold', 'composer', 'Mod+KeyB'),
]
const keysOf = (id: string): readonly string[] => ALL.find((one) => one.id === id)?.keys ?? []
const taken = (one: Action, keys: string): string[] => rivals(one, keys, ALL, keysOf).map(({ id }) => id)

it('leaves the keys of a text to it', () => {
  const bold = action('bold', 'composer')
  for (const keys of ['KeyB', 'Shift+KeyB', '/', 'Enter', 'Backspace', 'ArrowUp', 'Shift+Home']) expect(mayHave(bold, keys), keys).toBe(false)
  for (const keys of ['Mod+KeyB', 'Alt+KeyB', 'F7', 'Ctrl+Shift+KeyB']) expect(mayHave(bold, keys), keys).toBe(true)
  const last = action('editLast', 'composer')
  expect(['ArrowUp', 'Shift+ArrowUp', 'PageUp', 'KeyE', 'Enter'].map((keys) => mayHave(last, keys))).toEqual([true, true, true, false, false])
  expect(mayHave(action('reply', 'message'), 'KeyB')).toBe(true)
})

it('knows who else has them in the same place', () => {
  expect(taken(action('edit', 'message'), 'KeyR')).toEqual(['reply'])
  expect(taken(action('inbox', 'page'), 'KeyR')).toEqual([])
  expect(taken(action('help', 'everywhere'), 'KeyG')).toEqual(['inbox'])
  expect(taken(action('italic', 'composer'), 'Mod+KeyK')).toEqual([])
  expect(taken(action('bold', 'composer'), 'Mod+KeyB')).toEqual([])
})
