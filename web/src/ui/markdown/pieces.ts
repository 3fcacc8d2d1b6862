/** From what the grammar has read to words without marks: names, code, and what is hidden as such. Pure. */
import type { Token } from 'markdown-it'

import type { Meaning, Names } from './names'
import { written } from './names'

export interface Piece {
  readonly text: string
  readonly kind: 'words' | 'name' | 'code' | 'spoiler'
  /** It was searched for. */
  readonly hit: boolean
}

/** Lines and blocks are apart by a line break, which most places show as a space. */
export function piecesOf(tokens: readonly Token[], names: Names | undefined): Piece[] {
  const line = new Line(names?.spoiler ?? '…')
  for (const token of tokens) line.block(token)
  return line.pieces
}

/** As one string of at most `most` characters. */
export function plainText(pieces: readonly Piece[], most: number): string {
  const words = pieces.map((piece) => piece.text).join('').replace(/\s+/g, ' ').trim()
  return words.length <= most ? words : `${words.slice(0, most).replace(/[\uD800-\uDBFF]$/, '').trimEnd()}…`
}

class Line {
  readonly pieces: Piece[] = []
  /** What comes next goes on where this begins: an item after its bullet. */
  private started = true
  private cells = 0

  constructor(private readonly spoiler: string) {}

  block(token: Token): void {
    switch (token.type) {
      case 'list_item_open':
        this.apart()
        if (token.attrGet('class') !== 'task') this.add(token.info === '' ? '• ' : `${token.info}${token.markup} `)
        this.started = true
        break
      case 'tr_open':
        this.cells = 0
        break
      case 'th_open':
      case 'td_open':
        if (this.cells++ === 0) break
        this.add(' · ')
        this.started = true
        break
      case 'inline':
        this.apart()
        this.inline(token.children ?? [])
        break
      case 'fence':
      case 'code_block':
      case 'math_block':
        this.apart()
        this.add(token.content.trimEnd(), 'code')
        break
      case 'hr':
        this.apart()
        this.add('—')
    }
  }

  private inline(tokens: readonly Token[]): void {
    let hidden = 0
    for (const token of tokens) {
      if (token.type === 'spoiler_open' && hidden === 0) this.add(this.spoiler, 'spoiler')
      if (token.type === 'spoiler_open') hidden += 1
      else if (token.type === 'spoiler_close') hidden -= 1
      else if (hidden === 0) this.word(token)
    }
  }

  private word({ type, content, meta }: Token): void {
    if (type === 'softbreak' || type === 'hardbreak') this.add('\n')
    else if (type === 'name') this.add(written(meta as Meaning), 'name')
    else if (type === 'code_inline' || type === 'math') this.add(content, 'code')
    else if (content !== '') this.add(content)
  }

  private apart(): void {
    if (!this.started) this.add('\n')
    this.started = false
  }

  private add(text: string, kind: Piece['kind'] = 'words'): void {
    const last = this.pieces.at(-1)
    // One piece, as a hit may go over several.
    if (kind === 'words' && last?.kind === 'words') this.pieces[this.pieces.length - 1] = { ...last, text: last.text + text }
    else if (text !== '') this.pieces.push({ text, kind, hit: false })
  }
}
