/** Days by the reader's clock, as a date field writes them. Pure. */

/** `2026-11-26`. */
export function fieldOf(time: number): string {
  const date = new Date(time)
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
  return parts.map((part, at) => String(part).padStart(at === 0 ? 4 : 2, '0')).join('-')
}

/** When the day begins; null while the field is not filled in. */
export function timeOf(field: string): number | null {
  const [year, month, day] = field.split('-').map(Number)
  if (!year || !month || !day) return null
  return new Date(year, month - 1, day).getTime()
}

export function daysAgo(days: number): number {
  const date = new Date()
  date.setHours(0, 0, 0, 0)
  date.setDate(date.getDate() - days)
  return date.getTime()
}
