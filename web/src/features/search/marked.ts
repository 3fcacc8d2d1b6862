/** What was found, as a text that is read like any other: with what was searched for between marks (`HIT`). Pure. */
import type { Fragment } from '@/api/search'
import { HIT } from '@/ui/markdown/line'

const ID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}'
/** A name and the code of an emoji are read as a whole. Where a link leads nobody sees. */
const TOKEN = new RegExp(`<[@#]${ID}>|:[a-z0-9_+-]{2,40}:|(?<=\\])\\([^()\\s]*\\)`, 'gi')
/** What is left of a name or of a link that was cut. */
const CUT_BEGIN = /^…(?:[0-9a-f-]{1,36}>|[^\s()<>[\]]*\))/i
const CUT_END = /(?:<[@#]?[0-9a-f-]{0,36}|\]\([^()\s]*)…$/i
const CUT_LABEL = /\[([^[\]]*…)$/

type Span = readonly [begin: number, end: number]

export function marked(fragments: readonly Fragment[]): string {
  const text = fragments.map((fragment) => fragment.text).join('')
  const wholes = [...text.matchAll(TOKEN)].map(({ index, 0: token }): Span => [index, index + token.length])
  let done = ''
  let at = 0
  for (const span of hitsIn(fragments)) {
    const [begin, end] = wholes.find(([from, to]) => from < span[1] && span[0] < to) ?? span
    // A second word of the same name, or nothing that is seen.
    if (begin < at || text[begin] === '(') continue
    done += text.slice(at, begin) + HIT.begin + text.slice(begin, end) + HIT.end
    at = end
  }
  return (done + text.slice(at)).replace(CUT_BEGIN, '…').replace(CUT_END, '…').replace(CUT_LABEL, '$1')
}

function hitsIn(fragments: readonly Fragment[]): Span[] {
  let at = 0
  return fragments.flatMap(({ text, hit }): Span[] => {
    const begin = at
    at += text.length
    return hit ? [[begin, at]] : []
  })
}
