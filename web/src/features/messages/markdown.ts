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

const cache = new Map<string, string>()

export function renderMarkdown(text: string): string {
  const known = cache.get(text)
  if (known !== undefined) return known
  const html = DOMPurify.sanitize(markdown.render(text), {
    USE_PROFILES: { html: true },
    ADD_ATTR: ['target'],
    FORBID_TAGS: ['style', 'img', 'form', 'input', 'button'],
    FORBID_ATTR: ['style', 'id', 'name'],
    ALLOWED_URI_REGEXP: SCHEMES,
  })
  if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '')
  cache.set(text, html)
  return html
}
