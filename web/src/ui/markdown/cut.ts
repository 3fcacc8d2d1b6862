/**
 * Of a text that was cut (`…` says where) a mark may be there without its other half: no part of what was meant, so a line of
 * the text does without it. Only where a mark stands as one would: in `2*3` it is none.
 */
import type MarkdownIt from 'markdown-it'
import type { StateInline } from 'markdown-it'

export const CUT = '…'

type Delimiters = StateInline['delimiters']

const isLine = (state: StateInline): boolean => (state.env as { line?: boolean }).line === true

export const endsCut = (state: StateInline): boolean => isLine(state) && state.src.endsWith(CUT)
export const beginsCut = (state: StateInline): boolean => isLine(state) && state.src.startsWith(CUT)

export function cut(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('backticks', 'cut_code', (state, silent) => {
    if (state.src[state.pos] !== '`' || !endsCut(state) || /\w/.test(state.src[state.pos - 1] ?? '')) return false
    const mark = runAt(state.src, state.pos)
    if (/\s/.test(state.src[state.pos + mark] ?? '') || isClosed(state.src, state.pos + mark, mark)) return false
    if (!silent) state.pos += mark
    return !silent
  })
  markdown.inline.ruler2.before('fragments_join', 'cut_marks', (state) => {
    const ends = endsCut(state)
    const begins = beginsCut(state)
    if (!ends && !begins) return false
    for (const delimiters of [state.delimiters, ...state.tokens_meta.map((meta) => meta?.delimiters ?? [])]) {
      dropHalves(state, delimiters, ends, begins)
    }
    return true
  })
}

function runAt(text: string, at: number): number {
  let end = at
  while (text[end] === '`') end += 1
  return end - at
}

/** Code ends with as many as it begins with. */
function isClosed(text: string, from: number, mark: number): boolean {
  for (let at = text.indexOf('`', from); at >= 0; at = text.indexOf('`', at)) {
    const length = runAt(text, at)
    if (length === mark) return true
    at += length
  }
  return false
}

function dropHalves(state: StateInline, delimiters: Delimiters, ends: boolean, begins: boolean): void {
  const closing = new Set(delimiters.map(({ end }) => end))
  for (const [index, { open, close, end, token: at }] of delimiters.entries()) {
    const token = state.tokens[at]
    if (token?.type !== 'text' || end >= 0 || closing.has(index)) continue
    const opens = open && !(close && /\w$/.test(before(state, at)))
    if ((ends && opens) || (begins && close && !open)) token.content = ''
  }
}

/** What stands before a mark of one sign or several. */
function before({ tokens }: StateInline, at: number): string {
  const sign = tokens[at]?.content
  let index = at - 1
  while (tokens[index]?.content === sign || tokens[index]?.content === '') index -= 1
  return tokens[index]?.content ?? ''
}
