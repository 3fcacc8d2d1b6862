/** What of a text in a field is Markdown: pieces that together are the text, some of a kind. Pure, and quick enough for every key. */

export type Kind = 'code' | 'link' | 'name' | 'mark'

export interface Piece {
  readonly text: string
  /** Null: plain words. */
  readonly kind: Kind | null
}

/** What is longer, or has more of it, is shown as it is: a key must not wait for this. */
const MOST = 1_500
const MOST_PIECES = 25
const ANY = /[`*_~|>#@$[-]|\d\.|:\/\//

const PARTS: readonly (readonly [Kind, string])[] = [
  // A block of code, closed or not yet; code in a line; a formula.
  ['code', '^ {0,3}(?:```|~~~)[^\\n]*(?:\\n[\\s\\S]*?(?:^ {0,3}(?:```|~~~)[ \\t]*$|$(?![\\s\\S]))|$(?![\\s\\S]))'],
  ['code', '`[^`\\n]+`|\\$\\$[^$]+\\$\\$'],
  ['link', '\\[[^\\]\\n]*\\]\\([^)\\s]*\\)|\\bhttps?:\\/\\/\\S+'],
  ['name', '(?<![\\p{L}\\p{N}_@#&./\\\\-])[@#][\\p{L}\\p{N}][\\p{L}\\p{N}_.-]*'],
  ['mark', '\\*\\*(?=\\S)[^*\\n]+\\*\\*|(?<![*\\w])\\*(?=[^\\s*])[^*\\n]+\\*(?!\\*)|(?<!\\w)_(?=\\S)[^_\\n]+_(?!\\w)|~~(?=\\S)[^~\\n]+~~|\\|\\|(?=\\S)[^|\\n]+\\|\\|'],
  ['mark', '^ {0,3}(?:>|#{1,6}(?= )|[-*+](?= )|\\d{1,9}[.)](?= ))'],
]
const PART = new RegExp(PARTS.map(([, pattern]) => `(${pattern})`).join('|'), 'gmu')

/** Null where there is nothing to show. `known`: whether somebody or a channel is called so. */
export function sourceMarks(text: string, known: (written: string) => boolean): Piece[] | null {
  if (text.length > MOST || !ANY.test(text)) return null
  const pieces: Piece[] = []
  let at = 0
  for (const found of text.matchAll(PART)) {
    const kind = PARTS[found.slice(1).findIndex((part) => part !== undefined)]?.[0] ?? null
    if (kind === null || found[0] === '' || (kind === 'name' && !known(found[0]))) continue
    if (found.index > at) pieces.push({ text: text.slice(at, found.index), kind: null })
    pieces.push({ text: found[0], kind })
    at = found.index + found[0].length
  }
  if (pieces.length === 0 || pieces.length > MOST_PIECES) return null
  return at < text.length ? [...pieces, { text: text.slice(at), kind: null }] : pieces
}
