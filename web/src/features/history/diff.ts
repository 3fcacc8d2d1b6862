/** What changed from one text to the next, word by word. Pure. */

export interface Piece {
  readonly kind: 'same' | 'added' | 'removed'
  readonly text: string
}

/** Beyond this many comparisons the middle is told as a whole: old away, new there. */
const MOST = 4_000_000

const words = new Intl.Segmenter(undefined, { granularity: 'word' })

export function diff(before: string, after: string): readonly Piece[] {
  const a = split(before)
  const b = split(after)
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const middle = changes(a.slice(start, a.length - end), b.slice(start, b.length - end))
  return joined([same(a.slice(0, start)), ...middle, same(a.slice(a.length - end))])
}

function split(text: string): string[] {
  return Array.from(words.segment(text), ({ segment }) => segment)
}

function same(parts: readonly string[]): Piece {
  return { kind: 'same', text: parts.join('') }
}

/** By the longest common subsequence. */
function changes(a: readonly string[], b: readonly string[]): Piece[] {
  if (a.length * b.length > MOST) return [{ kind: 'removed', text: a.join('') }, { kind: 'added', text: b.join('') }]
  const width = b.length + 1
  /** Of what is left from `i` and `j` on. */
  const longest = new Uint32Array((a.length + 1) * width)
  const left = (i: number, j: number) => longest[i * width + j] as number
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j] ? left(i + 1, j + 1) + 1 : Math.max(left(i + 1, j), left(i, j + 1))
    }
  }
  const pieces: Piece[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      pieces.push({ kind: 'same', text: a[i++] as string })
      j++
    } else if (j >= b.length || (i < a.length && left(i + 1, j) >= left(i, j + 1))) {
      pieces.push({ kind: 'removed', text: a[i++] as string })
    } else pieces.push({ kind: 'added', text: b[j++] as string })
  }
  return pieces
}

/** Neighbours of one kind are one piece; a lone space between two changes belongs to them. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  const done: Piece[] = []
  let removed = ''
  let added = ''
  const flush = () => {
    if (removed !== '') done.push({ kind: 'removed', text: removed })
    if (added !== '') done.push({ kind: 'added', text: added })
    removed = added = ''
  }
  pieces.forEach((piece, at) => {
    if (piece.text === '') return
    const changing = removed !== '' || added !== ''
    const goesOn = pieces.slice(at + 1).find(({ text }) => text !== '')
    if (piece.kind === 'removed') removed += piece.text
    else if (piece.kind === 'added') added += piece.text
    else if (changing && piece.text === ' ' && goesOn !== undefined && goesOn.kind !== 'same') {
      removed += ' '
      added += ' '
    } else {
      flush()
      const last = done.at(-1)
      if (last?.kind === 'same') done[done.length - 1] = { kind: 'same', text: last.text + piece.text }
      else done.push(piece)
    }
  })
  flush()
  return done
}
