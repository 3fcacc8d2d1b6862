/** What a user agent calls itself, as far as a person would recognise it. Pure. */

/** The first that is found counts: browsers claim to be others as well. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
]
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
]

export interface Device {
  readonly browser: string | null
  readonly system: string | null
  /** Carried about. */
  readonly mobile: boolean
}

function named(agent: string, known: readonly (readonly [RegExp, string])[]): string | null {
  return known.find(([pattern]) => pattern.test(agent))?.[1] ?? null
}

export function deviceOf(agent: string | null): Device {
  const text = agent ?? ''
  // What is no browser says what it is first: `tertulia-client/0.1`.
  const browser = named(text, BROWSERS) ?? /^[\w.-]+/.exec(text)?.[0] ?? null
  return { browser, system: named(text, SYSTEMS), mobile: /\b(?:Mobi|Android|iPhone|iPad)/.test(text) }
}
