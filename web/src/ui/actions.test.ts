import { beforeEach, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'

import { actionFor, canRun, declareActions, isChanged, keysOf, resetKeys, runAction, setKeys, singles, useAction } from './actions'

const R = { key: 'r', code: 'KeyR', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false }

beforeEach(() => {
  resetKeys()
  singles.value = true
  declareActions([
    { id: 'reply', group: 'message', keys: ['KeyR'], where: 'message' },
    { id: 'jump', group: 'general', keys: ['Mod+KeyK', '?'], where: 'everywhere' },
  ])
})

it('is done by who came last and can, while they are there', () => {
  const done: string[] = []
  let able = true
  const page = effectScope()
  const panel = effectScope()
  page.run(() => useAction('jump', () => done.push('page')))
  panel.run(() => useAction('jump', () => done.push('panel'), () => able))
  runAction('jump')
  able = false
  runAction('jump')
  able = true
  panel.stop()
  runAction('jump')
  page.stop()
  expect(done).toEqual(['panel', 'page', 'page'])
  expect(canRun('jump')).toBe(false)
  expect(runAction('jump')).toBe(false)
})

it('has the keys that somebody wants, or none', () => {
  expect(actionFor(R, 'message')).toBe('reply')
  setKeys('reply', ['KeyX'])
  expect(actionFor(R, 'message')).toBeNull()
  expect(actionFor({ ...R, key: 'x', code: 'KeyX' }, 'message')).toBe('reply')
  setKeys('reply', [])
  expect([keysOf('reply'), isChanged('reply')]).toEqual([[], true])
  setKeys('reply', null)
  expect(keysOf('reply')).toEqual(['KeyR'])
})

it('keeps them in this browser', async () => {
  setKeys('reply', ['KeyX'])
  singles.value = false
  vi.resetModules()
  const again = await import('./actions')
  again.declareActions([{ id: 'reply', group: 'message', keys: ['KeyR'], where: 'message' }])
  expect(again.wishedKeys('reply')).toEqual(['KeyX'])
  expect(again.singles.value).toBe(false)
})

it('does without keys of one character where somebody wants none', () => {
  singles.value = false
  expect(keysOf('jump')).toEqual(['Mod+KeyK'])
  expect(actionFor(R, 'message')).toBeNull()
})
