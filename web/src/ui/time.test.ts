import { afterEach, expect, it } from 'vitest'

import { clock, day, dayAndClock, exactTime, localDay, longDay, setTimeStyle, shortClock, wallClock } from './time'

const EVENING = Date.UTC(2026, 10, 24, 22, 5, 9)
const FRENCH_SPACE = /\s/gu
const plain = (text: string) => text.replace(FRENCH_SPACE, ' ')

afterEach(() => setTimeStyle({ locale: 'en-GB', timeZone: 'UTC' }))

it('of no particular day is the same everywhere, and as the reader writes it', () => {
  setTimeStyle({ locale: 'de', timeZone: 'Asia/Tokyo' })
  expect(wallClock('07:30')).toBe('7:30')
  setTimeStyle({ locale: 'en-GB', timeZone: 'Asia/Tokyo', hourCycle: 'h12' })
  expect(plain(wallClock('22:00'))).toBe('10:00 pm')
})

it('is written in the language and the time zone of the reader', () => {
  setTimeStyle({ locale: 'de', timeZone: 'Europe/Berlin' })
  expect(clock(EVENING)).toBe('23:05')
  expect(day(EVENING)).toBe('24.11.2026')
  expect(dayAndClock(EVENING)).toBe('24.11.2026, 23:05')
  expect(exactTime(EVENING)).toBe('Dienstag, 24. November 2026 um 23:05:09')
  setTimeStyle({ locale: 'ar-u-nu-latn', timeZone: 'Asia/Tokyo' })
  expect(longDay(EVENING, EVENING)).toBe('الأربعاء، 25 نوفمبر')
})

it('has the clock that the reader chose, and midnight is never 24', () => {
  const midnight = Date.UTC(2026, 10, 24, 0, 5)
  setTimeStyle({ locale: 'en-US', timeZone: 'UTC', hourCycle: 'h23' })
  expect(clock(midnight)).toBe('00:05')
  setTimeStyle({ locale: 'de', timeZone: 'UTC', hourCycle: 'h12' })
  expect(plain(clock(EVENING))).toBe('10:05 PM')
  expect(shortClock(EVENING)).toBe('10:05')
})

it('a day names its year only where it is another', () => {
  setTimeStyle({ locale: 'en-GB', timeZone: 'UTC' })
  expect(longDay(EVENING, EVENING)).toBe('Tuesday 24 November')
  expect(longDay(EVENING, Date.UTC(2027, 0, 1))).toBe('Tuesday, 24 November 2026')
})

it('a day begins at midnight of the reader', () => {
  setTimeStyle({ locale: 'en', timeZone: 'Asia/Kathmandu' })
  const before = Date.UTC(2026, 10, 24, 18, 14, 59)
  expect(localDay(before + 1_000) - localDay(before)).toBe(1)
  setTimeStyle({ locale: 'en', timeZone: 'UTC' })
  expect(localDay(before + 1_000)).toBe(localDay(before))
  expect(localDay(before)).toBe(Math.floor(before / 86_400_000))
})
