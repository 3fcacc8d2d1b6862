/** Dates as a date field reads and writes them: `2026-11-26` or `2026-11-26T09:30`, without a time zone. */
import type { CalendarDate, CalendarDateTime } from '@internationalized/date'
import { parseDate, parseDateTime } from '@internationalized/date'

import type { TimeStyle } from './time'

export type FieldDate = CalendarDate | CalendarDateTime
type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'dayPeriod'

/** Whoever writes 2026 has been through 2, 20 and 202. */
const FIRST_WHOLE_YEAR = 1000
/** To the minute. */
const LENGTH = 16
const MORNING = 9
const AFTERNOON = 15

export function dateOf(text: string, withTime: boolean): FieldDate | null {
  try {
    return withTime ? parseDateTime(text) : parseDate(text)
  } catch {
    return null
  }
}

/** Null: it is being written. */
export function textOf(date: FieldDate | null): string | null {
  if (date === null) return ''
  return date.year < FIRST_WHOLE_YEAR ? null : date.toString().slice(0, LENGTH)
}

/** The reader's language with all that they choose about times: by the calendar that the values are of, and by their clock. */
export function fieldLocale({ locale, hourCycle }: TimeStyle): string {
  const { calendar } = new Intl.DateTimeFormat(locale).resolvedOptions()
  const wishes = { ...(calendar === 'gregory' ? {} : { calendar: 'gregory' }), ...(hourCycle === undefined ? {} : { hourCycle }) }
  return new Intl.Locale(locale, wishes).toString()
}

/** What the language calls a part of a date. */
export function partName(part: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: 'dateTimeField' }).of(part as Part) ?? part
}

/** The half of a day, which the library gives in English. */
export function dayPeriod(half: string, locale: string): string {
  const time = new Date(2000, 0, 1, half === 'AM' ? MORNING : AFTERNOON)
  const parts = new Intl.DateTimeFormat(locale, { hour: 'numeric', hour12: true }).formatToParts(time)
  return parts.find(({ type }) => type === 'dayPeriod')?.value ?? half
}

export function monthName({ year, month }: { year: number; month: number }, locale: string): string {
  return new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric' }).format(new Date(year, month - 1))
}
