/** How long something still takes, rounded up, in the language of the texts. Pure. */

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const
/** A unit is used from this many of it: 90 seconds are not "2 minutes". */
const LEAST = 2

export function duration(seconds: number, locale: string): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= LEAST * size) ?? (['second', 1] as const)
  const style = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 } as const
  return new Intl.NumberFormat(locale, style).format(Math.ceil(seconds / size))
}
