import { expect, it } from 'vitest'

import { sourceMarks } from './sourceMarks'

const marks = (text: string): string[] | null =>
  sourceMarks(text, (name) => name === '@ada' || name === '#plans')?.map((piece) => (piece.kind === null ? piece.text : `${piece.kind}:${piece.text}`)) ?? null

it.each([
  ['a **b** c', ['a ', 'mark:**b**', ' c']],
  ['*b* and _c_ ~~d~~ ||e||', ['mark:*b*', ' and ', 'mark:_c_', ' ', 'mark:~~d~~', ' ', 'mark:||e||']],
  ['see `x*y*z`', ['see ', 'code:`x*y*z`']],
  ['```js\n**a**\n```\n**b**', ['code:```js\n**a**\n```', '\n', 'mark:**b**']],
  ['```\nstill open **a**', ['code:```\nstill open **a**']],
  ['@ada in #plans, @bob', ['name:@ada', ' in ', 'name:#plans', ', @bob']],
  ['[a](https://x.org) https://y.org/_a_', ['link:[a](https://x.org)', ' ', 'link:https://y.org/_a_']],
  ['> a\n- b\n1. c\n# d', ['mark:>', ' a\n', 'mark:-', ' b\n', 'mark:1.', ' c\n', 'mark:#', ' d']],
  ['$$a^2$$', ['code:$$a^2$$']],
])('%s', (text, pieces) => expect(marks(text)).toEqual(pieces))

it.each(['plain words', '', '2 * 3 * 4', 'a_b_c', 'me@ada', '-5', 'a || b || c', `**${'x'.repeat(5_000)}**`, '`x` '.repeat(100)])('%s has none', (text) =>
  expect(marks(text)).toBeNull())

it('together are the text', () => {
  const text = '# One\n\n- **two** and `three`\n\n> @ada: https://x.org\n\n```\nfour\n```\n\nfive'
  expect(sourceMarks(text, () => true)?.map((piece) => piece.text).join('')).toBe(text)
})

it('are found between two keys', () => {
  const text = 'a **b** `c` @ada https://x.org _d_ '.repeat(40)
  const began = performance.now()
  for (let n = 0; n < 10; n++) sourceMarks(text, () => true)
  expect((performance.now() - began) / 10).toBeLessThan(20)
})
