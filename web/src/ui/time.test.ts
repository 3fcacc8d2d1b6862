import { afterEach, describe, expect, it, vi } from 'vitest'

import { clock, exactTime, shortClock } from './time'

const EVENING = new Date(2026, 10, 21, 18, 7).getTime()

function browserIn(language: string): void {
  vi.spyOn(navigator, 'language', 'get').mockReturnValue(language)
}

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a time', () => {
  it('has 24 hours where the browser\'s locale has them', () => {
    browserIn('en-GB')
    expect(clock(EVENING)).toBe('18:07')
    expect(exactTime(EVENING)).toContain('18:07:00')
  })

  it('has AM and PM where those are usual, but not in the gutter', () => {
    browserIn('en-US')
    expect(clock(EVENING)).toMatch(/^6:07\sPM$/)
    expect(shortClock(EVENING)).toBe('6:07')
  })
})
