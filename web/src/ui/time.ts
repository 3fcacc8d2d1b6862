/**
 * Times as a reader writes them: by the browser's locale, not by the language of the texts, which has no country and so
 * cannot tell 24 hours from AM and PM. Formatters are made once per locale: making one is slow.
 */

type Style = Intl.DateTimeFormatOptions

const CLOCK: Style = { hour: 'numeric', minute: '2-digit' }
const DAY_AND_CLOCK: Style = { dateStyle: 'medium', timeStyle: 'short' }
const EXACT: Style = { dateStyle: 'full', timeStyle: 'medium' }
const made = new Map<Style, Map<string, Intl.DateTimeFormat>>()

function formatter(style: Style): Intl.DateTimeFormat {
  const locale = navigator.language
  const byLocale = made.get(style) ?? new Map<string, Intl.DateTimeFormat>()
  made.set(style, byLocale)
  const known = byLocale.get(locale) ?? new Intl.DateTimeFormat(locale, style)
  byLocale.set(locale, known)
  return known
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

export function exactTime(time: number): string {
  return formatter(EXACT).format(time)
}
