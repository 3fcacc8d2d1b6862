import { expect, it } from 'vitest'

import type { Pressed } from './keys'
import { ariaKeys, caps, clash, isSingle, matches, parse, pressed } from './keys'

function key(key: string, code: string, held: Partial<Pressed> = {}): Pressed {
  return { key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held }
}

const means = (keys: string, event: Pressed, mac = false): boolean => {
  const [stroke] = parse(keys)
  return stroke !== undefined && matches(stroke, event, mac)
}

it('goes by the place of a letter, whatever the layout writes there', () => {
  expect(means('Mod+KeyK', key('k', 'KeyK', { ctrlKey: true }))).toBe(true)
  expect(means('Mod+KeyK', key('л', 'KeyK', { ctrlKey: true }))).toBe(true)
  expect(means('Mod+KeyK', key('k', 'KeyK'))).toBe(false)
  expect(means('KeyN', key('N', 'KeyN', { shiftKey: true }))).toBe(false)
  expect(means('Shift+KeyU', key('U', 'KeyU', { shiftKey: true }))).toBe(true)
})

it('takes Cmd on a Mac and Ctrl elsewhere', () => {
  const ctrl = key('k', 'KeyK', { ctrlKey: true })
  const cmd = key('k', 'KeyK', { metaKey: true })
  expect([means('Mod+KeyK', ctrl), means('Mod+KeyK', cmd)]).toEqual([true, false])
  expect([means('Mod+KeyK', ctrl, true), means('Mod+KeyK', cmd, true)]).toEqual([false, true])
})

it('goes by what a sign writes, with Shift or without', () => {
  expect(means('/', key('/', 'Slash'))).toBe(true)
  // A German keyboard.
  expect(means('/', key('/', 'Digit7', { shiftKey: true }))).toBe(true)
  expect(means('?', key('?', 'Slash', { shiftKey: true }))).toBe(true)
  expect(means('?', key('/', 'Slash'))).toBe(false)
  expect(means('Mod+/', key('/', 'Slash', { ctrlKey: true }))).toBe(true)
  expect(means('+', key('+', 'BracketRight'))).toBe(true)
})

it('goes by the place of a sign where a layout does not write it', () => {
  expect(means('/', key('ظ', 'Slash'))).toBe(true)
  expect(means('?', key('؟', 'Slash', { shiftKey: true }))).toBe(true)
  expect(means('/', key('-', 'Slash'))).toBe(false)
})

it('writes down what was pressed, and understands it again', () => {
  const strokes = [
    key('ß', 'KeyK', { altKey: true }), key('?', 'Minus', { shiftKey: true }), key('F6', 'F6', { shiftKey: true }),
    key('ArrowUp', 'ArrowUp'), key('k', 'KeyK', { ctrlKey: true, shiftKey: true }), key('+', 'Equal', { shiftKey: true }),
  ]
  for (const event of strokes) {
    const keys = pressed(event, false)
    expect(keys).not.toBeNull()
    expect(means(keys ?? '', event), keys ?? '').toBe(true)
  }
  expect(pressed(key('Shift', 'ShiftLeft', { shiftKey: true }), false)).toBeNull()
})

it('knows what is a character and nothing else', () => {
  expect(['KeyN', '?', 'KeyG KeyI', 'Shift+KeyU'].every(isSingle)).toBe(true)
  expect(['Mod+KeyK', 'F6', 'Alt+ArrowUp', 'Escape', 'Delete', 'Mod+/'].some(isSingle)).toBe(false)
})

it('knows when one would keep the other from ever acting', () => {
  expect(clash('KeyG', 'KeyG KeyI')).toBe(true)
  expect(clash('KeyG KeyM', 'KeyG KeyI')).toBe(false)
  expect(clash('Mod+KeyK', 'Mod+KeyK')).toBe(true)
})

it('shows them as they stand on the keyboard', () => {
  expect(caps('Mod+Shift+KeyF', false)).toEqual([['Ctrl', 'Shift', 'F']])
  expect(caps('Mod+Shift+KeyF', true)).toEqual([['⌘', '⇧', 'F']])
  expect(caps('KeyG KeyI', false)).toEqual([['G'], ['I']])
  expect(caps('Alt+ArrowUp', false)).toEqual([['Alt', '↑']])
  // A Dvorak keyboard has another letter there.
  expect(caps('KeyK', false, new Map([['KeyK', 't']]))).toEqual([['T']])
  expect(ariaKeys('Mod+KeyK', false)).toBe('Control+K')
  expect(ariaKeys('+', false)).toBe('Plus')
  expect(ariaKeys('KeyG KeyI', false)).toBeUndefined()
})
