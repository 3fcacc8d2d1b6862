/**
 * How texts are read: CommonMark and what GitHub adds to it, formulas, spoilers, names; single line breaks kept, no raw HTML,
 * links of known schemes only. markdown-it escapes everything that it renders.
 */
import MarkdownIt from 'markdown-it'

import { cut } from './cut'
import { math } from './math'
import { names } from './names'
import { permalinks } from './permalinks'
import { shortcodes } from './shortcodes'
import { spoiler } from './spoiler'
import { tasks } from './tasks'

export const SCHEMES = /^(?:https?|mailto|xmpp|matrix):/i

export const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false })
  .use(names)
  .use(shortcodes)
  .use(spoiler)
  .use(math)
  .use(tasks)
  .use(permalinks)
  .use(cut)
// A picture from elsewhere would tell its host who reads: the address stays a link.
markdown.disable('image')
markdown.validateLink = (url) => SCHEMES.test(url.trim())
// `example.com` in a sentence is a link only with a scheme or `www.`: names of files are not hosts.
markdown.linkify.set({ fuzzyEmail: false, fuzzyLink: false })
markdown.renderer.rules['link_open'] = (tokens, index, options, _env, self) => {
  tokens[index]?.attrSet('target', '_blank')
  tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow')
  return self.renderToken(tokens, index, options)
}
markdown.renderer.rules['table_open'] = () => '<div class="table-scroll" tabindex="0"><table>\n'
markdown.renderer.rules['table_close'] = () => '</table></div>\n'
markdown.renderer.rules['fence'] = (tokens, index) => code(tokens[index]?.content, tokens[index]?.info)
markdown.renderer.rules['code_block'] = (tokens, index) => code(tokens[index]?.content, '')

function code(content = '', info = ''): string {
  const { escapeHtml, unescapeAll } = markdown.utils
  const language = unescapeAll(info).trim().split(/\s+/)[0]?.toLowerCase() ?? ''
  const data = language === '' ? '' : ` data-lang="${escapeHtml(language)}"`
  return `<pre tabindex="0"${data}><code>${escapeHtml(content)}</code></pre>\n`
}

/** Where `[n]` in a text leads; a number without an entry stays as it was written. */
export type References = Readonly<Record<string, { href: string; label: string }>>

const REFERENCE = /^\[(\d{1,3})\]/

markdown.inline.ruler.before('link', 'reference', (state, silent) => {
  const references = (state.env as { references?: References }).references
  const [written, number] = REFERENCE.exec(state.src.slice(state.pos, state.pos + 5)) ?? []
  const target = number === undefined ? undefined : references?.[number]
  if (written === undefined || number === undefined || target === undefined) return false
  if (!silent) {
    const token = state.push('reference', '', 0)
    token.content = number
    token.meta = target
  }
  state.pos += written.length
  return true
})
markdown.renderer.rules['reference'] = (tokens, index) => {
  const { content, meta } = tokens[index] as { content: string; meta: { href: string; label: string } }
  const { escapeHtml } = markdown.utils
  const name = escapeHtml(meta.label)
  return `<a class="reference" href="${escapeHtml(meta.href)}" title="${name}" aria-label="${name}">${content}</a>`
}
