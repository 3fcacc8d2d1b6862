/**
 * Times as a reader writes them: in their language, their time zone and their clock, which the app sets. Reading one while
 * something is drawn draws it again when the reader chooses otherwise. Formatters are kept: making one is slow.
 */
import { shallowRef } from 'vue'

export interface TimeStyle {
  /** A language tag, with a region where it is known: a language alone has no country to tell 24 hours from AM and PM. */
  readonly locale: string
  /** Undefined: the browser's. */
  readonly timeZone?: string | undefined
  /** Undefined: as usual where the language is spoken. */
  readonly hourCycle?: 'h12' | 'h23' | undefined
}

type Style = Intl.DateTimeFormatOptions

const CLOCK: Style = { hour: 'numeric', minute: '2-digit' }
const DAY: Style = { dateStyle: 'medium' }
const LONG_DAY: Style = { weekday: 'long', day: 'numeric', month: 'long' }
const LONG_DAY_AND_YEAR: Style = { ...LONG_DAY, year: 'numeric' }
const DAY_AND_CLOCK: Style = { dateStyle: 'medium', timeStyle: 'short' }
const EXACT: Style = { dateStyle: 'full', timeStyle: 'medium' }
/** Only these take a clock. */
const CLOCKED: ReadonlySet<Style> = new Set([CLOCK, DAY_AND_CLOCK, EXACT])
/** What Swedes write sorts, and is what `Date.parse` reads. */
const SORTABLE = 'sv-SE'
/** All time zones are apart by whole quarters of an hour. */
const QUARTER_MS = 15 * 60_000
const DAY_MS = 86_400_000

const style = shallowRef<TimeStyle>({ locale: navigator.language })
let made = new Map<Style, Intl.DateTimeFormat>()
let days = new Map<number, number>()

export function setTimeStyle(next: TimeStyle): void {
  made = new Map()
  days = new Map()
  style.value = next
}

/** For formats of one's own. */
export function timeStyle(): TimeStyle {
  return style.value
}

function formatter(options: Style): Intl.DateTimeFormat {
  const { locale, timeZone, hourCycle } = style.value
  const known = made.get(options)
  if (known !== undefined) return known
  const clock = CLOCKED.has(options) && hourCycle !== undefined ? { hourCycle } : {}
  const fresh = new Intl.DateTimeFormat(locale, { ...options, ...clock, ...(timeZone === undefined ? {} : { timeZone }) })
  made.set(options, fresh)
  return fresh
}

export function day(time: number): string {
  return formatter(DAY).format(time)
}

/** With its weekday; the year only where it is another one than now. */
export function longDay(time: number, now = Date.now()): string {
  const sameYear = yearOf(time) === yearOf(now)
  return formatter(sameYear ? LONG_DAY : LONG_DAY_AND_YEAR).format(time)
}

/** Short, with the day: for lists that mix days. */
export function dayAndClock(time: number): string {
  return formatter(DAY_AND_CLOCK).format(time)
}

export function clock(time: number): string {
  return formatter(CLOCK).format(time)
}

/** Without AM or PM: for the narrow gutter, where the header above has said it. */
export function shortClock(time: number): string {
  return formatter(CLOCK)
    .formatToParts(time)
    .filter((part) => part.type !== 'dayPeriod')
    .map((part) => part.value)
    .join('')
    .trim()
}

/** A time of some day (`22:00`), wherever that is. */
export function wallClock(time: string): string {
  const { locale, hourCycle } = style.value
  const [hour = 0, minute = 0] = time.split(':').map(Number)
  const options: Style = { ...CLOCK, timeZone: 'UTC', ...(hourCycle === undefined ? {} : { hourCycle }) }
  return new Intl.DateTimeFormat(locale, options).format(Date.UTC(2000, 0, 1, hour, minute))
}

export function exactTime(time: number): string {
  return formatter(EXACT).format(time)
}

/** Days since the epoch by the reader's calendar. */
export function localDay(time: number): number {
  const { timeZone } = style.value
  const quarter = Math.floor(time / QUARTER_MS)
  const known = days.get(quarter)
  if (known !== undefined) return known
  const date = new Intl.DateTimeFormat(SORTABLE, timeZone === undefined ? {} : { timeZone }).format(time)
  const found = Math.floor(Date.parse(date) / DAY_MS)
  days.set(quarter, found)
  return found
}

function yearOf(time: number): number {
  return new Date(localDay(time) * DAY_MS).getUTCFullYear()
}
