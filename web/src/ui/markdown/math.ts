/** `$$…$$`, in a line or over several: marked here, drawn by `formula.ts` once there is one to draw. */
import type MarkdownIt from 'markdown-it'

const SIGN = '$$'

export function math(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('escape', 'math', (state, silent) => {
    if (!state.src.startsWith(SIGN, state.pos)) return false
    const begin = state.pos + SIGN.length
    const end = state.src.indexOf(SIGN, begin)
    if (end < 0 || end + SIGN.length > state.posMax || state.src.slice(begin, end).trim() === '') return false
    if (!silent) state.push('math', '', 0).content = state.src.slice(begin, end)
    state.pos = end + SIGN.length
    return true
  })
  // Lines of a formula look like lists and headings: they are taken before anybody reads them so.
  markdown.block.ruler.before('fence', 'math_block', (state, startLine, endLine, silent) => {
    const line = (at: number): string => state.src.slice((state.bMarks[at] ?? 0) + (state.tShift[at] ?? 0), state.eMarks[at])
    if (line(startLine).trim() !== SIGN) return false
    let last = startLine + 1
    while (last < endLine && line(last).trim() !== SIGN) last++
    if (last >= endLine) return false
    if (silent) return true
    const token = state.push('math_block', '', 0)
    token.content = state.getLines(startLine + 1, last, state.blkIndent, false)
    token.map = [startLine, last + 1]
    state.line = last + 1
    return true
  })
  const { escapeHtml } = markdown.utils
  markdown.renderer.rules['math'] = (tokens, index) => `<span class="math">${escapeHtml(tokens[index]?.content ?? '')}</span>`
  markdown.renderer.rules['math_block'] = (tokens, index) =>
    `<div class="math" tabindex="0">${escapeHtml(tokens[index]?.content ?? '')}</div>\n`
}
