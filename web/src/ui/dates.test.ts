import { expect, it } from 'vitest'

import { dateOf, dayPeriod, fieldLocale, monthName, partName, textOf } from './dates'

it('reads what it writes, to the minute', () => {
  expect(textOf(dateOf('2026-11-26', false))).toBe('2026-11-26')
  expect(textOf(dateOf('2026-11-26T09:05', true))).toBe('2026-11-26T09:05')
})

it('has no date where there is none', () => {
  for (const text of ['', '2026-02-30', 'soon']) expect(dateOf(text, false)).toBeNull()
  expect(textOf(null)).toBe('')
})

it('waits until a year is written', () => {
  expect(textOf(dateOf('0202-11-26', false))).toBeNull()
  expect(textOf(dateOf('2026-11-26', false))).not.toBeNull()
})

it('has the calendar of its values and the clock that the reader chose', () => {
  expect(fieldLocale({ locale: 'zh-CN' })).toBe('zh-CN')
  expect(new Intl.Locale(fieldLocale({ locale: 'fa' })).calendar).toBe('gregory')
  const { hourCycle } = new Intl.DateTimeFormat(fieldLocale({ locale: 'de', hourCycle: 'h12' }), { hour: 'numeric' }).resolvedOptions()
  expect(hourCycle).toBe('h12')
})

it('speaks the language of the reader', () => {
  expect(partName('year', 'de')).toBe('Jahr')
  expect(['AM', 'PM'].map((half) => dayPeriod(half, 'zh'))).toEqual(['上午', '下午'])
  expect(monthName({ year: 2026, month: 11 }, 'es')).toBe('noviembre de 2026')
})
