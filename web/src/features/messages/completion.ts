/** What is completed while somebody writes: people, channels, emoji, messages. Pure. */

export type Sign = '@' | '#' | ':' | '[['

/** What has been typed of a name, and where it stands in the text. */
export interface Typed {
  readonly sign: Sign
  readonly query: string
  readonly start: number
  readonly end: number
}

/** Names are no longer than this. */
const LOOK_BACK = 64
const TYPED = /(?:^|[\s([{"'*_~|>])(?:([@#])([\p{L}\p{N}._-]*)|(:)([a-z0-9_+-]{2,}))$/iu
/** Words of a message that is referred to. */
const REFERRED = /(?:^|[\s(])\[\[([^[\]\n]*)$/u

/** The name that the caret is at the end of; null when there is none, or it is code. */
export function typedAt(text: string, caret: number): Typed | null {
  const before = text.slice(Math.max(0, caret - LOOK_BACK), caret)
  const words = REFERRED.exec(before)?.[1]
  if (words !== undefined && !isInCode(text, caret)) {
    return { sign: '[[', query: words.trim().toLowerCase(), start: caret - words.length - '[['.length, end: caret }
  }
  const [, sign, query = '', colon, code = ''] = TYPED.exec(before) ?? []
  const typed = query + code
  if ((sign ?? colon) === undefined || isInCode(text, caret)) return null
  return { sign: (sign ?? colon) as Sign, query: typed.toLowerCase(), start: caret - typed.length - 1, end: caret }
}

/** Whether the caret is in a fenced block, or in a code span of its line. */
export function isInCode(text: string, caret: number): boolean {
  const lines = text.slice(0, caret).split('\n')
  const fences = lines.filter((line) => /^ {0,3}(```|~~~)/.test(line)).length
  const ticks = (lines.at(-1)?.match(/`/g) ?? []).length
  return fences % 2 === 1 || ticks % 2 === 1
}

export interface Candidate {
  readonly id: string
  /** Words that it is found by, best first. */
  readonly names: readonly string[]
}

/**
 * Those that `query` is the beginning of a word of, else a part of. `closeness`: lower comes first, before how well
 * the name fits; what is equally close and fits equally well stays in the order it had.
 */
export function ranked<T extends Candidate>(
  candidates: Iterable<T>,
  query: string,
  closeness: (candidate: T) => number,
  most: number,
): T[] {
  const scored: { candidate: T; close: number; fit: number }[] = []
  for (const candidate of candidates) {
    const fit = fitOf(candidate.names, query)
    if (fit !== null) scored.push({ candidate, close: closeness(candidate), fit })
  }
  return scored
    .sort((a, b) => a.close - b.close || a.fit - b.fit)
    .slice(0, most)
    .map(({ candidate }) => candidate)
}

function fitOf(names: readonly string[], query: string): number | null {
  let best: number | null = null
  for (const name of names) {
    const lower = name.toLowerCase()
    const fit = lower.startsWith(query) ? 0 : lower.split(/[\s._-]+/).some((word) => word.startsWith(query)) ? 1 : lower.includes(query) ? 2 : null
    if (fit !== null && (best === null || fit < best)) best = fit
  }
  return best
}
