import { expect, it } from 'vitest'

import { diff } from './diff'

const written = (before: string, after: string) =>
  diff(before, after)
    .map(({ kind, text }) => (kind === 'same' ? text : kind === 'added' ? `{+${text}+}` : `[-${text}-]`))
    .join('')

it.each([
  ['Lunch is at one.', 'Lunch is at two.', 'Lunch is at [-one-]{+two+}.'],
  ['Lunch', 'Lunch', 'Lunch'],
  ['', 'new', '{+new+}'],
  ['old', '', '[-old-]'],
  ['a b c', 'a c', 'a [-b -]c'],
  ['the red big boat', 'the blue small boat', 'the [-red big-]{+blue small+} boat'],
  ['one\ntwo', 'one\nthree\ntwo', 'one\n{+three\n+}two'],
])('%j to %j', (before, after, told) => expect(written(before, after)).toBe(told))

it('words of languages without spaces', () => {
  const pieces = diff('我们明天开会', '我们后天开会')
  expect(pieces.filter(({ kind }) => kind === 'same').map(({ text }) => text).join('')).toContain('开会')
  expect(pieces.some(({ kind, text }) => kind === 'added' && text.includes('后天'))).toBe(true)
})

it('what both say is all of each', () => {
  const before = 'The quick brown fox jumps over the lazy dog, twice.'
  const after = 'A quick fox jumps high over the dog, thrice!'
  const side = (gone: string) => diff(before, after).filter(({ kind }) => kind !== gone).map(({ text }) => text).join('')
  expect(side('added')).toBe(before)
  expect(side('removed')).toBe(after)
})

it('very long texts are told as a whole, soon', () => {
  const before = Array.from({ length: 2_100 }, (_, n) => `a${n}`).join(' ')
  const after = Array.from({ length: 2_100 }, (_, n) => `b${n}`).join(' ')
  expect(diff(before, after).map(({ kind }) => kind)).toEqual(['removed', 'added'])
})
