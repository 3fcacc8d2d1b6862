import { describe, expect, it } from 'vitest'

import { isInCode, ranked, typedAt } from './completion'

describe('what is being typed', () => {
  it.each([
    ['@', '@', ''],
    ['hi @Ad', '@', 'ad'],
    ['(@ada.l', '@', 'ada.l'],
    ['see #pla', '#', 'pla'],
    ['#más', '#', 'más'],
    ['yes :ta', ':', 'ta'],
    ['**@ad', '@', 'ad'],
  ])('%s', (text, sign, query) => {
    expect(typedAt(text, text.length)).toEqual({ sign, query, start: text.length - query.length - 1, end: text.length })
  })

  it.each(['me@ad', ':t', '10:30', 'a:ta', '@ada lo', '`@ad', '```\n@ad', 'https://x.org/#pl', ''])('%s is nothing', (text) =>
    expect(typedAt(text, text.length)).toBeNull())

  it.each([
    ['[[', ''],
    ['as [[Red  boat', 'red  boat'],
    ['([[@ada', '@ada'],
  ])('%s is a message', (text, query) => {
    expect(typedAt(text, text.length)).toEqual({ sign: '[[', query, start: text.indexOf('[['), end: text.length })
  })

  it.each(['a[[b', '[[a]]', '[[a\nb', '`[[a', '[a'])('%s is no message', (text) => expect(typedAt(text, text.length)?.sign).not.toBe('[['))

  it('ends at the caret', () => expect(typedAt('hi @adam', 6)).toMatchObject({ query: 'ad', start: 3, end: 6 }))
})

it('code is known', () => {
  expect([isInCode('a `b', 4), isInCode('a `b`', 5), isInCode('```\nx', 5), isInCode('```\nx\n```\ny', 11)]).toEqual([true, false, true, false])
})

it('the closest come first, then what fits best', () => {
  const people = [
    { id: 'far', names: ['ada', 'Ada L.'] },
    { id: 'near', names: ['lovelace', 'Countess Ada'] },
    { id: 'nearest part', names: ['canada', 'Can Ada'] },
    { id: 'other', names: ['ben', 'Ben'] },
  ]
  const order = ranked(people, 'ada', ({ id }) => (id.startsWith('near') ? 0 : 1), 8).map(({ id }) => id)
  expect(order).toEqual(['near', 'nearest part', 'far'])
  expect(ranked(people, '', () => 0, 2)).toHaveLength(2)
})
