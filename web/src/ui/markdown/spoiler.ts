/** `||spoiler||`: hidden until it is asked for. Not with white space inside of the bars, as in `a || b || c`. */
import type MarkdownIt from 'markdown-it'

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
    const end = state.src.indexOf('||', begin)
    const inner = state.src.slice(begin, end)
    if (end < 0 || end + 2 > state.posMax || inner === '' || inner !== inner.trim()) return false
    if (!silent) {
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
    state.pos = end + 2
    return true
  })
}
