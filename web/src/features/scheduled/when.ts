/** Times that people mean by a word, and rules that repeat, on the clock of this browser. Pure. */
import type { Recurrence, Times } from '@/api/scheduled'

export type Preset = 'hour' | 'tomorrow' | 'monday'
export const PRESETS: readonly Preset[] = ['hour', 'tomorrow', 'monday']

const MORNING = 9
const MONDAY = 1

export function presetTime(preset: Preset, now: Date): Date {
  if (preset === 'hour') return new Date(Math.ceil(now.getTime() / 60_000) * 60_000 + 3_600_000)
  // "Monday" on a Monday is the next one.
  const days = preset === 'tomorrow' ? 1 : (MONDAY - now.getDay() + 7) % 7 || 7
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING)
}

export const REPEATS = ['none', 'daily', 'weekly', 'monthly', 'custom'] as const
export type Repeat = (typeof REPEATS)[number]

const WEEKDAYS = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA']
/** Every month has so many days. */
const SHORTEST_MONTH = 28

/** On the 31st means the last day of a month that has fewer. */
export function ruleOf(repeat: Exclude<Repeat, 'none' | 'custom'>, first: Date): string {
  if (repeat === 'daily') return 'FREQ=DAILY'
  if (repeat === 'weekly') return `FREQ=WEEKLY;BYDAY=${WEEKDAYS[first.getDay()] ?? ''}`
  const day = first.getDate()
  if (day <= SHORTEST_MONTH) return `FREQ=MONTHLY;BYMONTHDAY=${day}`
  const days = Array.from({ length: day - SHORTEST_MONTH + 1 }, (_, index) => SHORTEST_MONTH + index)
  return `FREQ=MONTHLY;BYMONTHDAY=${days.join(',')};BYSETPOS=-1`
}

/** What a rule is called; `custom` is every other. */
export function repeatOf(recurrence: Pick<Recurrence, 'rrule' | 'starts_at'> | null): Repeat {
  if (recurrence === null) return 'none'
  const first = new Date(recurrence.starts_at)
  return (['daily', 'weekly', 'monthly'] as const).find((repeat) => ruleOf(repeat, first) === recurrence.rrule) ?? 'custom'
}

/** What somebody chose in the form. */
export interface Chosen {
  readonly first: Date
  readonly repeat: Repeat
  /** With `custom`: RFC 5545, with or without its name in front. */
  readonly rule: string
}

export function timesOf({ first, repeat, rule }: Chosen, timezone: string): Times {
  if (repeat === 'none') return { send_at: first.toISOString() }
  const rrule = repeat === 'custom' ? rule.trim().replace(/^RRULE:/i, '') : ruleOf(repeat, first)
  return { recurrence: { rrule, timezone, starts_at: first.toISOString() } }
}

/** As `<input type="datetime-local">` has it. */
export function localInput(time: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`
  return `${day}T${two(time.getHours())}:${two(time.getMinutes())}`
}
