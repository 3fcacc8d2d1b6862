import { beforeEach, describe, expect, it } from 'vitest'

import { mayHave, rivals } from '@/features/keyboard/bindable'
import { rowKey } from '@/features/messages/deeds'
import { actionFor, resetKeys, setKeys, singles } from '@/ui/actions'

import { ACTIONS } from './keymap'

describe('keys of a row', () => {
  const press = (key: string, code: string, more: Partial<KeyboardEvent> = {}) =>
    rowKey(actionFor({ key, code, shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, ...more }, 'message'))

  beforeEach(() => {
    resetKeys()
    singles.value = true
  })

  it.each([
    ['r', 'KeyR', 'thread'], ['e', 'KeyE', 'edit'], ['s', 'KeyS', 'save'], ['l', 'KeyL', 'copyLink'], ['i', 'KeyI', 'menu'],
    ['Delete', 'Delete', 'delete'], ['+', 'Equal', 'thumb'], [':', 'Semicolon', 'pick'], ['h', 'KeyH', null], ['x', 'KeyX', null],
    ['j', 'KeyJ', null],
  ])('%s: %s', (key, code, meant) => expect(press(key, code)).toBe(meant))

  it.each([['H', 'history'], ['P', 'pin'], ['U', 'markUnread'], ['S', null], ['I', null]])(
    'Shift+%s: %s',
    (key, meant) => expect(press(key, `Key${key}`, { shiftKey: true })).toBe(meant),
  )

  it('by the place of the key, whatever the layout writes there', () => {
    expect(press('у', 'KeyE')).toBe('edit')
  })

  it('the browser keeps its own', () => {
    expect(press('s', 'KeyS', { ctrlKey: true })).toBeNull()
  })

  it('are those that somebody wants, and none of one letter where nobody wants them', () => {
    setKeys('edit', ['KeyW'])
    expect([press('w', 'KeyW'), press('e', 'KeyE')]).toEqual(['edit', null])
    singles.value = false
    expect([press('w', 'KeyW'), press('+', 'Equal'), press('Delete', 'Delete')]).toEqual([null, null, 'delete'])
  })
})

it('has no keys twice in one place, and none that a text needs', () => {
  const keysOf = (id: string): readonly string[] => ACTIONS.find((action) => action.id === id)?.keys ?? []
  for (const action of ACTIONS) {
    for (const keys of action.keys) {
      expect(rivals(action, keys, ACTIONS, keysOf).map(({ id }) => id), `${action.id}: ${keys}`).toEqual([])
      expect(mayHave(action, keys), `${action.id}: ${keys}`).toBe(true)
    }
  }
})
