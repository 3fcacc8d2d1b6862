/** `||spoiler||`: hidden until it is asked for. Not with white space inside of the bars, as in `a || b || c`. */
import type MarkdownIt from 'markdown-it'
import type { StateInline } from 'markdown-it'

import { beginsCut, CUT, endsCut } from './cut'

/** What may stand behind the end of it, and not behind its beginning. */
const BEHIND = /^(?:$|[\s….,;:!?)])/

/** Where plain text may end. markdown-it's own list, and the bar. */
const STOP = /[\n!#$%&*+\-:<=>@[\\\]^_`{|}~]/g

export function spoiler(markdown: MarkdownIt): void {
  markdown.inline.ruler.at('text', (state, silent) => {
    STOP.lastIndex = state.pos
    const end = Math.min(STOP.exec(state.src)?.index ?? state.posMax, state.posMax)
    if (end === state.pos) return false
    if (!silent) state.pending += state.src.slice(state.pos, end)
    state.pos = end
    return true
  })
  markdown.inline.ruler.before('emphasis', 'spoiler', (state, silent) => {
    const begin = state.pos + 2
    if (!state.src.startsWith('||', state.pos)) return false
    const closing = state.src.indexOf('||', begin)
    // Of a text that was cut the end of it may not be there: what is hidden stays hidden.
    const after = closing < 0 && endsCut(state) ? state.posMax : closing + 2
    const end = closing < 0 ? after : closing
    const inner = state.src.slice(begin, end)
    if (end < begin || after > state.posMax || inner === CUT || inner !== inner.trim() || inner === '') return false
    if (!silent) hide(state, begin, end)
    state.pos = after
    return true
  })
  // Nor may its beginning.
  markdown.inline.ruler.before('text', 'cut_spoiler', (state, silent) => {
    if (state.pos > 0 || silent || !beginsCut(state)) return false
    const end = state.src.indexOf('||')
    if (end < 1 || end + 2 > state.posMax || /[\s…]/.test(state.src[end - 1] ?? '') || !BEHIND.test(state.src.slice(end + 2))) return false
    state.push('spoiler_open', 'span', 1)
    state.push('text', '', 0).content = state.src.slice(0, end)
    state.push('spoiler_close', 'span', -1)
    state.pos = end + 2
    return true
  })
}

function hide(state: StateInline, begin: number, end: number): void {
  const max = state.posMax
  state.push('spoiler_open', 'span', 1).attrSet('class', 'spoiler')
  state.push('spoiler_text_open', 'span', 1)
  state.pos = begin
  state.posMax = end
  state.md.inline.tokenize(state)
  state.posMax = max
  state.push('spoiler_text_close', 'span', -1)
  state.push('spoiler_close', 'span', -1)
}
