import { expect, it } from 'vitest'

import type { EnterKey } from '@/entities/preferences'

import { sends } from './enterKey'

const enter = { key: 'Enter', shiftKey: false, altKey: false, ctrlKey: false, metaKey: false, isComposing: false, keyCode: 13 }

it.each<[EnterKey, string, Partial<typeof enter>, boolean]>([
  ['send', 'hi', {}, true],
  ['send', 'hi', { shiftKey: true }, false],
  ['send', 'hi', { isComposing: true }, false],
  ['send', 'hi', { keyCode: 229 }, false],
  ['break', 'hi', {}, false],
  ['break', 'hi', { ctrlKey: true }, true],
  ['break', 'hi', { metaKey: true }, true],
  ['break-in-code', 'hi', {}, true],
  ['break-in-code', '```\nhi', {}, false],
  ['break-in-code', '```\nhi', { ctrlKey: true }, true],
])('%s in %j with %j: %s', (wish, text, keys, expected) => {
  expect(sends({ ...enter, ...keys }, wish, text, text.length)).toBe(expected)
})
