/** What was found, as people read it: names in place of ids, emoji in place of their codes. Pure. */
import type { Fragment } from '@/api/search'
import type { Names } from '@/ui/markdown/names'

export interface Piece {
  readonly text: string
  readonly hit: boolean
  /** Somebody's name, or a channel's. */
  readonly name: boolean
}

const ID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}'
/** A whole name, one that was cut at either end, or the code of an emoji that is not the middle of something else. */
const TOKEN = new RegExp(
  `<([@#])(${ID})>|^…[0-9a-f-]{1,36}>|<[@#]?[0-9a-f-]{0,36}…$|(?<![\\p{L}\\p{N}]):([a-z0-9_+-]{2,40}):(?![\\p{L}\\p{N}])`,
  'gu',
)

export function readable(
  fragments: readonly Fragment[],
  names: Names | undefined,
  emoji: Readonly<Record<string, string>> | null,
): Piece[] {
  const text = fragments.map((fragment) => fragment.text).join('')
  const pieces: Piece[] = []
  let at = 0
  for (const found of text.matchAll(TOKEN)) {
    const [written, sign, id, code] = found
    const meant = meaning(written, { sign, id, code }, names, emoji)
    if (meant === null) continue
    const end = found.index + written.length
    pieces.push(...part(fragments, at, found.index))
    const hit = part(fragments, found.index, end).some((piece) => piece.hit)
    pieces.push({ text: meant, hit, name: sign !== undefined })
    at = end
  }
  return [...pieces, ...part(fragments, at, text.length)]
}

type Token = Record<'sign' | 'id' | 'code', string | undefined>

function meaning(written: string, { sign, id, code }: Token, names: Names | undefined, emoji: Readonly<Record<string, string>> | null): string | null {
  if (code !== undefined) return emoji !== null && Object.hasOwn(emoji, code) ? (emoji[code] ?? null) : null
  if (id === undefined) return '…'
  const name = sign === '@' ? names?.person(id)?.name : names?.channel(id)?.name
  return name === undefined ? written : `${sign}${name}`
}

/** The fragments between two places of the whole text. */
function part(fragments: readonly Fragment[], from: number, to: number): Piece[] {
  const pieces: Piece[] = []
  let start = 0
  for (const { text, hit } of fragments) {
    const piece = text.slice(Math.max(0, from - start), Math.max(0, to - start))
    if (piece !== '') pieces.push({ text: piece, hit, name: false })
    start += text.length
  }
  return pieces
}
