/** How well a name fits what was typed: its letters in order, better at the beginning of words and next to each other. Pure. */

const START = 8
const WORD = 6
const NEXT = 4
const ANY = 1
const PREFIX = 20
const EXACT = 40
/** Letters that are passed over cost a little, up to this much. */
const GAP = 0.15
const GAP_MOST = 3

/** "Émile" is found by "emile". */
export function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase()
}

const isWordStart = (text: string, at: number): boolean => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')

/** Both folded. Null when it does not fit. */
export function fit(query: string, text: string): number | null {
  if (query === '') return 0
  if (text === query) return EXACT + query.length * NEXT
  let best: number | null = null
  // Where it begins matters most: each place where the first letter stands is tried, the first ones of words above all.
  for (let start = text.indexOf(query[0] ?? ''); start >= 0; start = text.indexOf(query[0] ?? '', start + 1)) {
    const score = from(query, text, start)
    if (score !== null && (best === null || score > best)) best = score
    if (score === null) break
  }
  if (best === null) return null
  return text.startsWith(query) ? best + PREFIX : best
}

function from(query: string, text: string, start: number): number | null {
  let score = 0
  let at = start
  let before = -2
  for (const letter of query) {
    if (letter === ' ') continue
    const found = before === -2 ? start : text.indexOf(letter, at)
    if (found < 0) return null
    if (found === before + 1) score += NEXT
    else if (isWordStart(text, found)) score += found === 0 ? START : WORD
    else score += ANY
    if (before >= 0) score -= Math.min((found - before - 1) * GAP, GAP_MOST)
    before = found
    at = found + 1
  }
  return score
}

export interface Ranked<T> {
  readonly item: T
  readonly score: number
}

/** The best first; of equals the one that stood first. */
export function ranked<T>(items: readonly T[], query: string, textOf: (item: T) => readonly string[], bonus: (item: T) => number, most: number): T[] {
  const wanted = folded(query.trim())
  const fitting: Ranked<T>[] = []
  for (const item of items) {
    let best: number | null = null
    for (const text of textOf(item)) {
      const score = fit(wanted, text)
      if (score !== null && (best === null || score > best)) best = score
    }
    if (best !== null) fitting.push({ item, score: best + bonus(item) })
  }
  return fitting
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ item }) => item)
}
