/** What was copied from a page or a document, as Markdown. A chunk of its own. */
import { gfm } from '@joplin/turndown-plugin-gfm'
import TurndownService from 'turndown'

const service = new TurndownService({
  headingStyle: 'atx',
  codeBlockStyle: 'fenced',
  bulletListMarker: '-',
  emDelimiter: '*',
})
service.use(gfm)
service.remove(['script', 'style', 'title', 'meta', 'link'])
// A picture from elsewhere is not shown here: its text is what is left of it.
service.addRule('picture', { filter: 'img', replacement: (_, node) => ('getAttribute' in node && node.getAttribute('alt')) || '' })

/** Some editors wrap all that is copied in an element that says it is not bold. */
const NOT_BOLD = /<b [^>]*font-weight:\s*normal[^>]*>/gi

export function asMarkdown(html: string): string {
  // The page's policy speaks up at every style attribute, even of what is only read.
  return service.turndown(html.replace(NOT_BOLD, '<span>').replace(/ style=("[^"]*"|'[^']*')/gi, '')).trim()
}
