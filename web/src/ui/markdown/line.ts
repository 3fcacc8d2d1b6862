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

export function lineOf(text: string, names: Names | undefined): Piece[] {
  const read = text.length > READ ? `${text.slice(0, READ).trimEnd()}${CUT}` : text
  const pieces = piecesOf(markdown.parse(read, { names, line: true }), names)
  const last = pieces.at(-1)
  if (last?.kind === 'words' && read.endsWith(CUT)) pieces[pieces.length - 1] = { ...last, text: last.text.replace(REST, CUT) }
  return withHits(pieces)
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
