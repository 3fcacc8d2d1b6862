import { describe, expect, it } from 'vitest'

import { myself } from '@/testing/fixtures'

import { isQuiet } from './quiet'

const { presence } = myself('ana')
const at = (time: string) => Date.parse(`2026-11-24T${time}Z`)

it('nothing is quiet before anybody says so', () => expect(isQuiet(presence, at('23:00:00'))).toBe(false))

it('for a while, until it is over', () => {
  const paused = { ...presence, dnd_until: '2026-11-24T12:00:00Z' }
  expect([isQuiet(paused, at('11:59:59')), isQuiet(paused, at('12:00:00'))]).toEqual([true, false])
})

describe('every day, by the clock of the person', () => {
  const night = { ...presence, time_zone: 'Asia/Kathmandu', quiet_hours: { starts: '22:00', ends: '07:30' } }

  it.each([
    ['16:14:59', false],
    ['16:15:00', true],
    ['18:15:00', true],
    ['01:44:59', true],
    ['01:45:00', false],
  ])('over midnight: %s', (time, quiet) => expect(isQuiet(night, at(time))).toBe(quiet))

  it.each([
    ['07:14:00', false],
    ['07:15:00', true],
    ['08:15:00', false],
  ])('within a day: %s', (time, quiet) => {
    expect(isQuiet({ ...night, quiet_hours: { starts: '13:00', ends: '14:00' } }, at(time))).toBe(quiet)
  })

  it('not where the zone is unknown', () => {
    expect(isQuiet({ ...night, time_zone: 'Nowhere/Else' }, at('18:00:00'))).toBe(false)
    expect(isQuiet({ ...night, time_zone: null }, at('18:00:00'))).toBe(false)
  })
})
