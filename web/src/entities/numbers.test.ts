import { describe, expect, it } from 'vitest'

import { verdict } from './sequence'
import { EMPTY_TYPING, unexpired, withoutTyping, withTyping } from './typing'
import { advanced, isUnread } from './unread'

describe('an event by its ch_seq', () => {
  it('that was applied is a duplicate', () => expect(verdict(7, 7)).toBe('duplicate'))
  it('that is next is applied', () => expect(verdict(7, 8)).toBe('apply'))
  it('that skips one leaves a gap', () => expect(verdict(7, 9)).toBe('gap'))
})

describe('unread', () => {
  it('means the newest message lies above what was read', () => {
    expect(isUnread(5, 4)).toBe(true)
    expect(isUnread(4, 4)).toBe(false)
  })

  it('never comes back by reading less', () => expect(advanced(9, 3)).toBe(9))
})

describe('typing', () => {
  const map = withTyping(withTyping(EMPTY_TYPING, 'ana', 1_000), 'ben', 2_000)

  it('runs out by itself', () => expect([...unexpired(map, 1_500).keys()]).toEqual(['ben']))
  it('is the same map when nothing ran out', () => expect(unexpired(map, 500)).toBe(map))
  it('ends with the message', () => expect([...withoutTyping(map, 'ana').keys()]).toEqual(['ben']))
})
