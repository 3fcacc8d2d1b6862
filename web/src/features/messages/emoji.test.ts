import { describe, expect, it } from 'vitest'

import { EMOJI, found, moved } from './emoji'

const all = EMOJI.flatMap(({ items }) => items)
const names = (query: string) => found(query).flatMap(({ items }) => items.map(({ name }) => name))

describe('the emoji of the picker', () => {
  it('are each there once, under a name of their own', () => {
    expect(new Set(all.map(({ emoji }) => emoji)).size).toBe(all.length)
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })

  it('are written as the server tells them: fully qualified', () => {
    const whole = new RegExp('^\\p{RGI_Emoji}$', 'v')
    expect(all.filter(({ emoji }) => !whole.test(emoji))).toEqual([])
  })

  it('are found by the beginnings of their words, in any order', () => {
    expect(names('tada')).toEqual(['party popper'])
    expect(names('up thu')).toEqual(['thumbs up'])
    expect(names('👍')).toEqual(['thumbs up'])
    expect(names('humb')).toEqual([])
    expect(found(' ')).toBe(EMOJI)
  })
})

describe('an arrow', () => {
  // Rows of three: 0 1 2 / 3 4 | 5 / | 6 7 8 / 9
  const sizes = [5, 1, 4]
  const go = (key: string, at: number) => moved(key, at, sizes, 3)

  it('goes on at the end of a row, and stays at the edges', () => {
    expect([go('ArrowRight', 4), go('ArrowLeft', 5), go('ArrowRight', 9), go('ArrowLeft', 0)]).toEqual([5, 4, 9, 0])
    expect([go('ArrowUp', 1), go('ArrowDown', 9)]).toEqual([1, 9])
  })

  it('keeps its column from group to group, as far as the row has it', () => {
    expect([go('ArrowDown', 1), go('ArrowDown', 4), go('ArrowDown', 5), go('ArrowDown', 8)]).toEqual([4, 5, 6, 9])
    expect([go('ArrowUp', 8), go('ArrowUp', 5), go('ArrowUp', 4)]).toEqual([5, 3, 1])
  })
})
