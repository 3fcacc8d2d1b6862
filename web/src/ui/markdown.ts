/**
 * Markdown to safe HTML: CommonMark and tables, single line breaks kept, no raw HTML, links of known schemes only.
 * markdown-it escapes everything; DOMPurify then checks the result once more.
 */
import DOMPurify from 'dompurify'
import MarkdownIt from 'markdown-it'

const SCHEMES = /^(?:https?|mailto|xmpp|matrix):/i
const CACHE_SIZE = 500

const markdown = new MarkdownIt({ html: false, linkify: true, breaks: true, typographer: false })
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

const cache = new Map<string, string>()

/** With `references`, even none, the result is not kept: such a text is on one row, or changes all the time. */
export function renderMarkdown(text: string, references?: References): string {
  if (references !== undefined) return sanitized(markdown.render(text, { references }))
  const known = cache.get(text)
  if (known !== undefined) return known
  const html = sanitized(markdown.render(text))
  if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '')
  cache.set(text, html)
  return html
}

function sanitized(html: string): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    ADD_ATTR: ['target'],
    FORBID_TAGS: ['style', 'img', 'form', 'input', 'button'],
    FORBID_ATTR: ['style', 'id', 'name'],
    ALLOWED_URI_REGEXP: SCHEMES,
  })
}
