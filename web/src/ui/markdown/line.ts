/**
 * What a text says without its marks, for where a line of it is shown: words, names, code as they are read, and never markup.
 * It is read by the same grammar as the text itself. Pure but for the table of emoji, as that.
 */
import { CUT } from './cut'
import { markdown } from './grammar'
import type { Names } from './names'
import type { Piece } from './pieces'
import { piecesOf } from './pieces'

/** Around what was searched for: no text has these, and to the grammar they are letters. */
export const HIT = { begin: '\uFDD0', end: '\uFDD1' } as const
const ENDS = /([\uFDD0\uFDD1])/

/** So much is read of a text: what comes after it has no room in a line. */
const READ = 2_000
/** What the cut has left of a mark, or all of one with nothing behind it. */
const REST = /[*_~`|]+…$/
/** The bars of what is hidden, without the other ones. */
const BARS = /(?<![^\s…(])\|\|(?=[^\s…])|(?<=[^\s…])\|\|(?![^\s….,;:!?)])/g

export function lineOf(text: string, names: Names | undefined): Piece[] {
  const read = text.length > READ ? `${text.slice(0, READ).trimEnd()}${CUT}` : text
  const pieces = piecesOf(markdown.parse(read, { names, line: true }), names)
  return withHits(read.startsWith(CUT) || read.endsWith(CUT) ? pieces.map(withoutHalves) : pieces)
}

function withoutHalves(piece: Piece, at: number, all: readonly Piece[]): Piece {
  if (piece.kind !== 'words') return piece
  const text = piece.text.replace(BARS, '')
  return { ...piece, text: at === all.length - 1 ? text.replace(REST, CUT) : text }
}

/** A hit may go over a name: what is between its ends is all of it. */
function withHits(pieces: readonly Piece[]): Piece[] {
  let hit = false
  return pieces.flatMap((piece) => {
    // Of one that began before what is hidden the end may be hidden too.
    if (piece.kind === 'spoiler') hit = false
    return piece.text.split(ENDS).flatMap((text): Piece[] => {
      if (text === HIT.begin || text === HIT.end) hit = text === HIT.begin
      else if (text !== '') return [{ ...piece, text, hit }]
      return []
    })
  })
}
