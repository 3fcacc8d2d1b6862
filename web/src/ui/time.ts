/** Times as a reader writes them. Formatters are made once per language: making one is slow. */

type Style = Intl.DateTimeFormatOptions

const CLOCK: Style = { hour: 'numeric', minute: '2-digit' }
const EXACT: Style = { dateStyle: 'full', timeStyle: 'medium' }
const made = new Map<Style, Map<string, Intl.DateTimeFormat>>()

function formatter(style: Style, locale: string): Intl.DateTimeFormat {
  const byLocale = made.get(style) ?? new Map<string, Intl.DateTimeFormat>()
  made.set(style, byLocale)
  const known = byLocale.get(locale) ?? new Intl.DateTimeFormat(locale, style)
  byLocale.set(locale, known)
  return known
}

export function clock(time: number, locale: string): string {
  return formatter(CLOCK, locale).format(time)
}

/** Without AM or PM: for the narrow gutter, where the header above has said it. */
export function shortClock(time: number, locale: string): string {
  return formatter(CLOCK, locale)
    .formatToParts(time)
    .filter((part) => part.type !== 'dayPeriod')
    .map((part) => part.value)
    .join('')
    .trim()
}

export function exactTime(time: number, locale: string): string {
  return formatter(EXACT, locale).format(time)
}
