import { describe, expect, it } from 'vitest'

import type { Reaction } from '@/api/types'

import { reacted, withReaction } from './reactions'

const of = (emoji: string, ...people: string[]): Reaction => ({ emoji, user_ids: people })
const told = [of('👍', 'ben', 'eva'), of('🎉', 'ana')]

describe('a reaction', () => {
  it('joins the others with the same emoji, or begins a new one at the end', () => {
    expect(withReaction(told, '👍', 'ana', true)).toEqual([of('👍', 'ben', 'eva', 'ana'), of('🎉', 'ana')])
    expect(withReaction(told, '👀', 'ana', true)).toEqual([...told, of('👀', 'ana')])
  })

  it('taken back leaves the others, and nothing when it was the only one', () => {
    expect(withReaction(told, '👍', 'ben', false)).toEqual([of('👍', 'eva'), of('🎉', 'ana')])
    expect(withReaction(told, '🎉', 'ana', false)).toEqual([of('👍', 'ben', 'eva')])
  })

  it('that is as wanted changes nothing', () => {
    expect(withReaction(told, '🎉', 'ana', true)).toBe(told)
    expect(withReaction(told, '👀', 'ana', false)).toBe(told)
    expect(reacted(told, '👍', 'ana')).toBe(false)
  })
})
