/** The address of a message, written as it is, reads as whose message it is and where. Who gives a link words of their own keeps them. */
import type MarkdownIt from 'markdown-it'

import type { Names } from './names'
import { piecesOf, plainText } from './pieces'

const MESSAGE = /^https?:\/\/[^\s/]+\/w\/[^\s/?#]+\/c\/[\w-]+\/(?:m|t)\/[\w-]+\/?$/
const LIKE_ONE = /\/[mt]\/[\w-]/

export function hasPermalink(text: string): boolean {
  return LIKE_ONE.test(text)
}

export function permalinks(markdown: MarkdownIt): void {
  markdown.core.ruler.push('permalinks', ({ tokens, env }) => {
    const known = (env as { names?: Names }).names
    if (known?.message === undefined) return
    // Of an address in that message not its words: the two may lead to each other.
    const within: Names = { ...known, message: () => null }
    const read = (text: string, most: number): string => plainText(piecesOf(markdown.parse(text, { names: within }), within), most)
    for (const { children } of tokens) {
      for (const [at, token] of (children ?? []).entries()) {
        const words = children?.[at + 1]
        if (token.type !== 'link_open' || (token.markup !== 'linkify' && token.markup !== 'autolink')) continue
        const href = token.attrGet('href') ?? ''
        const name = MESSAGE.test(href) ? known.message(href, read) : null
        if (name === null || words?.type !== 'text') continue
        token.attrJoin('class', 'channel')
        words.content = name
      }
    }
  })
}
