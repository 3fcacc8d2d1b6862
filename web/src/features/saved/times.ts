/** When one may want to be reminded. Pure. */

export const TIMES = ['minutes', 'hour', 'tomorrow', 'monday'] as const
export type TimeName = (typeof TIMES)[number]

const MINUTE = 60_000
const MORNING = 9

export function timeOf(name: TimeName, now: Date): Date {
  switch (name) {
    case 'minutes':
      return new Date(now.getTime() + 20 * MINUTE)
    case 'hour':
      return new Date(now.getTime() + 60 * MINUTE)
    case 'tomorrow':
      return morning(now, 1)
    case 'monday':
      return morning(now, ((8 - now.getDay()) % 7) || 7)
  }
}

/** By the reader's clock, whatever the day's clocks do. */
function morning(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, MORNING)
}

/** As a field for date and time takes it: the reader's clock, to the minute. */
export function fieldTime(at: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`
}
