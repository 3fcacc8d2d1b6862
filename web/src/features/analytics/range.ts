/** The days that the reports are about, as the address has them. All days are UTC, as the server counts. Pure. */
import type { ReportQuestion } from '@/api/endpoints'
import type { Bucket } from '@/api/analytics'
import { BUCKETS } from '@/api/analytics'

export const PRESETS = [7, 28, 90] as const
const DEFAULT = 28
const DAY_MS = 86_400_000
/** Hours of more than this many days are too many columns to look at. */
export const HOURS_UP_TO = 14

export interface Range {
  /** Null when the days were chosen one by one. */
  readonly days: number | null
  /** First and last day, both included. */
  readonly first: string
  readonly last: string
  readonly bucket: Bucket
}

export function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

function plusDays(day: string, days: number): string {
  return dayOf(Date.parse(day) + days * DAY_MS)
}

function isDay(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value))
}

export function lengthOf(range: Pick<Range, 'first' | 'last'>): number {
  return Math.round((Date.parse(range.last) - Date.parse(range.first)) / DAY_MS) + 1
}

export function lastDays(days: number, bucket: Bucket, now: number): Range {
  const last = dayOf(now)
  return fitting({ days, first: plusDays(last, 1 - days), last, bucket })
}

/** Hours only where they can be told apart. */
export function fitting(range: Range): Range {
  return range.bucket === 'hour' && lengthOf(range) > HOURS_UP_TO ? { ...range, bucket: 'day' } : range
}

/** Whatever an address says; nonsense is the default. */
export function rangeFrom(query: Record<string, unknown>, now: number): Range {
  const bucket = BUCKETS.find((name) => name === query['bucket']) ?? 'day'
  const { from: first, to: last } = query
  if (isDay(first) && isDay(last) && first <= last) return fitting({ days: null, first, last, bucket })
  return lastDays(PRESETS.find((days) => String(days) === query['days']) ?? DEFAULT, bucket, now)
}

export function rangeQuery(range: Range): Record<string, string> {
  const days: Record<string, string> =
    range.days === null ? { from: range.first, to: range.last } : { days: String(range.days) }
  return { ...days, bucket: range.bucket }
}

/** The server's `to` is the first moment after the range. */
export function questionOf(range: Range): ReportQuestion {
  return { from: range.first, to: plusDays(range.last, 1), bucket: range.bucket }
}
