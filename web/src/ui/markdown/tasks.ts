/** `- [ ] to do`, `- [x] done`: a box instead of the bullet. It is text, so it is read and copied as it is seen. */
import type MarkdownIt from 'markdown-it'

const TASK = /^\[([ xX])\]\s/

export function tasks(markdown: MarkdownIt): void {
  markdown.core.ruler.push('tasks', ({ tokens, Token }) => {
    for (const [at, token] of tokens.entries()) {
      const item = tokens[at - 2]
      if (token.type !== 'inline' || tokens[at - 1]?.type !== 'paragraph_open' || item?.type !== 'list_item_open') continue
      const [, state] = TASK.exec(token.content) ?? []
      const first = token.children?.[0]
      if (state === undefined || first?.type !== 'text' || !TASK.test(`${first.content} `)) continue
      const box = new Token('text', '', 0)
      box.content = state === ' ' ? '☐ ' : '☑ '
      first.content = first.content.slice('[ ] '.length)
      token.children?.unshift(box)
      item.attrJoin('class', 'task')
    }
  })
}
