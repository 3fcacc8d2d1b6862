import { describe, expect, it } from 'vitest'

import type { Known } from './hints'
import { hintsFor } from './hints'
import { completed, holds, toggled, tokenAt, tokens } from './query'

const known: Known = {
  people: [{ name: 'me', title: 'Mira' }, { name: 'ana', title: 'Ana López' }, { name: 'ben', title: 'Ben' }],
  channels: [{ name: 'general', title: '' }, { name: 'engineering', title: '' }],
  days: [{ name: '2026-11-24', title: 'today' }],
  describe: (operator) => operator,
}
const hints = (query: string, caret = query.length) => hintsFor(query, caret, known).map((hint) => hint.title)

describe('a query', () => {
  it('is words, phrases and operators, in any case', () => {
    expect(tokens('ship "release plan" FROM:ana in:').map(({ operator, value }) => [operator, value])).toEqual([
      [null, 'ship'], [null, '"release plan"'], ['from', 'ana'], ['in', ''],
    ])
  })

  it('takes an unclosed phrase and an unknown operator for words', () => {
    expect(tokens('"not closed from:ana').map((token) => token.operator)).toEqual([null])
    expect(tokens('to:ana https://example.org').map((token) => token.operator)).toEqual([null, null])
  })

  it('knows the token that the caret touches', () => {
    expect(tokenAt('from:an ship', 7)?.value).toBe('an')
    expect(tokenAt('from:an ship', 8)).toBeNull()
    expect(tokenAt('', 0)).toBeNull()
  })

  it.each([
    ['ship', 'ship from:ana'],
    ['ship from:ana', 'ship'],
    ['from:ANA ship "a  b"', 'ship "a  b"'],
    ['', 'from:ana'],
  ])('%j is toggled to %j', (query, after) => expect(toggled(query, 'from', 'ana')).toBe(after))

  it('toggled twice is what it was', () => {
    expect(toggled(toggled('ship in:general', 'from', 'ana'), 'from', 'ana')).toBe('ship in:general')
    expect(holds('from:anabel', 'from', 'ana')).toBe(false)
  })

  it('is completed at the caret', () => {
    expect(completed('ship fro later', 8, 'from:')).toEqual({ query: 'ship from: later', caret: 10 })
    expect(completed('ship from:an later', 12, 'from:ana ')).toEqual({ query: 'ship from:ana later', caret: 14 })
    expect(completed('ship ', 5, 'in:')).toEqual({ query: 'ship in:', caret: 8 })
  })
})

describe('hints', () => {
  it('begin with the operators', () => expect(hints('')).toEqual(['from:', 'in:', 'before:', 'after:']))
  it('stay away from ordinary words', () => expect(hints('ship')).toEqual([]))
  it('name an operator that was begun', () => expect(hints('ship be')).toEqual(['before:']))
  it('name people by the beginning of any of their names', () => {
    expect(hints('from:')).toEqual(['from:me', 'from:ana', 'from:ben'])
    expect(hints('from:ló')).toEqual(['from:ana'])
  })
  it('end when the value stands there', () => expect(hints('in:general')).toEqual([]))
  it('offer days', () => expect(hints('after:')).toEqual(['after:2026-11-24']))
})
