/** The limit of a message, in characters (code points, as the server counts). Pure. */

export const LIMIT = 16_000
/** From here on the composer shows how many are left. */
export const COUNT_FROM = 15_000

export function lengthOf(text: string): number {
  // A UTF-16 unit is at most one code point: short texts need no walk.
  if (text.length < COUNT_FROM) return text.length
  let count = 0
  for (const _ of text) count++
  return count
}

/** What is sent: without blank lines before and white space after, and without NUL, which no store takes. */
export function prepared(text: string): string {
  return text.replaceAll('\0', '').replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()
}
