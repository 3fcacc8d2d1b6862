/** When a status or the wish to be left alone ends. Pure. */

const MINUTE = 60_000

export const ENDS = ['never', 'halfHour', 'hour', 'fourHours', 'day', 'week'] as const
export type End = (typeof ENDS)[number]

/** The last moment of a day, so many days ahead. */
function endOfDay(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 23, 59, 59)
}

/** ISO; null: it does not end by itself. Weeks end on Sunday. */
export function endOf(end: End, now: Date = new Date()): string | null {
  const after = (minutes: number): string => new Date(now.getTime() + minutes * MINUTE).toISOString()
  switch (end) {
    case 'never':
      return null
    case 'halfHour':
      return after(30)
    case 'hour':
      return after(60)
    case 'fourHours':
      return after(240)
    case 'day':
      return endOfDay(now, 0).toISOString()
    case 'week':
      return endOfDay(now, (7 - now.getDay()) % 7).toISOString()
  }
}
