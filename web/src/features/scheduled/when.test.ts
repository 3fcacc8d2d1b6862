import { describe, expect, it } from 'vitest'

import { localInput, presetTime, repeatOf, ruleOf, timesOf } from './when'

const THURSDAY = new Date(2026, 10, 26, 16, 30, 20)

describe('times by name', () => {
  it('are on the clock of whoever writes', () => {
    expect(localInput(presetTime('hour', THURSDAY))).toBe('2026-11-26T17:31')
    expect(localInput(presetTime('tomorrow', THURSDAY))).toBe('2026-11-27T09:00')
    expect(localInput(presetTime('monday', THURSDAY))).toBe('2026-11-30T09:00')
    expect(localInput(presetTime('monday', new Date(2026, 10, 30, 8)))).toBe('2026-12-07T09:00')
    expect(localInput(presetTime('monday', new Date(2026, 10, 29, 8)))).toBe('2026-11-30T09:00')
  })
})

describe('rules', () => {
  it.each([
    ['daily', THURSDAY, 'FREQ=DAILY'],
    ['weekly', THURSDAY, 'FREQ=WEEKLY;BYDAY=TH'],
    ['monthly', THURSDAY, 'FREQ=MONTHLY;BYMONTHDAY=26'],
    ['monthly', new Date(2026, 0, 31, 9), 'FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1'],
  ] as const)('%s from %s', (repeat, first, rrule) => {
    expect(ruleOf(repeat, first)).toBe(rrule)
    expect(repeatOf({ rrule, starts_at: first.toISOString() })).toBe(repeat)
  })

  it('are anything that somebody wrote', () => {
    expect(repeatOf(null)).toBe('none')
    expect(repeatOf({ rrule: 'FREQ=YEARLY', starts_at: THURSDAY.toISOString() })).toBe('custom')
    expect(timesOf({ first: THURSDAY, repeat: 'custom', rule: ' RRULE:FREQ=YEARLY ' }, 'Europe/Madrid')).toEqual({
      recurrence: { rrule: 'FREQ=YEARLY', timezone: 'Europe/Madrid', starts_at: THURSDAY.toISOString() },
    })
    expect(timesOf({ first: THURSDAY, repeat: 'none', rule: 'x' }, 'UTC')).toEqual({ send_at: THURSDAY.toISOString() })
  })
})
