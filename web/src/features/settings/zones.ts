/** The time zones that the browser knows, by how far they are from UTC now. */

export interface Zone {
  readonly name: string
  /** `GMT+5:30`. */
  readonly offset: string
  readonly minutes: number
}

export function zones(now: number, names: readonly string[] = Intl.supportedValuesOf('timeZone')): Zone[] {
  return names
    .map((name) => {
      const offset = offsetOf(name, now)
      return { name, offset, minutes: minutesOf(offset) }
    })
    .sort((a, b) => a.minutes - b.minutes || a.name.localeCompare(b.name, 'en'))
}

function offsetOf(timeZone: string, now: number): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'shortOffset' }).formatToParts(now)
  // Where it is none, browsers write it or leave it out.
  return parts.find((part) => part.type === 'timeZoneName')?.value.replace(/\+0$/, '') ?? 'GMT'
}

function minutesOf(offset: string): number {
  const [, sign, hours = '0', minutes = '0'] = /GMT([+-])(\d+)(?::(\d+))?/.exec(offset) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
}

export function readable(name: string): string {
  return name.replaceAll('_', ' ')
}
