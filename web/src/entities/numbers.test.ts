import { describe, expect, it } from 'vitest'

import { verdict } from './sequence'
import { EMPTY_TYPING, unexpired, withoutTyping, withTyping } from './typing'

describe('an event by its ch_seq', () => {
  it('that was applied is a duplicate', () => expect(verdict(7, 7)).toBe('duplicate'))
  it('that is next is applied', () => expect(verdict(7, 8)).toBe('apply'))
  it('that skips one leaves a gap', () => expect(verdict(7, 9)).toBe('gap'))
})

describe('typing', () => {
  const map = withTyping(withTyping(EMPTY_TYPING, 'ana', 1_000), 'ben', 2_000)

  it('runs out by itself', () => expect([...unexpired(map, 1_500).keys()]).toEqual(['ben']))
  it('is the same map when nothing ran out', () => expect(unexpired(map, 500)).toBe(map))
  it('ends with the message', () => expect([...withoutTyping(map, 'ana').keys()]).toEqual(['ben']))
})
