/** Reads a report's rows by the names of its columns. Pure. */
import type { Report } from '@/api/analytics'

export interface Point {
  /** Beginning of the bucket, unix ms. */
  readonly time: number
  readonly value: number
}

export interface Bar {
  /** Null for what is summed up as "others". */
  readonly id: string | null
  readonly name: string | null
  readonly value: number
}

function indexOf(report: Report, column: string): number {
  return report.columns.findIndex(({ name }) => name === column)
}

/** One value for each bucket: the sum of these columns. */
export function series(report: Report, ...columns: readonly string[]): Point[] {
  const time = indexOf(report, 'time')
  const at = columns.map((column) => indexOf(report, column))
  return report.rows.map((row) => ({
    time: Date.parse(String(row[time])),
    value: at.reduce((sum, index) => sum + Number(row[index] ?? 0), 0),
  }))
}

export function bars(report: Report, most: number): Bar[] {
  const [id, name, value] = ['channel_id', 'name', 'messages'].map((column) => indexOf(report, column)) as [
    number, number, number,
  ]
  const text = (cell: unknown) => (typeof cell === 'string' ? cell : null)
  const all = report.rows.map((row) => ({ id: text(row[id]), name: text(row[name]), value: Number(row[value] ?? 0) }))
  const named = all.filter((bar) => bar.id !== null).sort((a, b) => b.value - a.value)
  return [...named.slice(0, most), ...all.filter((bar) => bar.id === null && bar.value > 0)]
}

export function sum(points: readonly Point[]): number {
  return points.reduce((total, point) => total + point.value, 0)
}

/** The highest bucket; null when there is nothing. */
export function peak(points: readonly Point[]): Point | null {
  const highest = points.reduce<Point | null>((best, point) => (best === null || point.value > best.value ? point : best), null)
  return highest !== null && highest.value > 0 ? highest : null
}
