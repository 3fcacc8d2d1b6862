import { createApp, h } from 'vue'
import { describe, expect, it } from 'vitest'

import { HIT } from './markdown/line'
import MarkdownLine from './MarkdownLine.vue'
import payloads from './xss.corpus.json'

function shown(text: string): HTMLElement {
  const host = document.createElement('div')
  createApp({ render: () => h(MarkdownLine, { text }) }).mount(host)
  return host
}

describe('a line', () => {
  it('has its hits marked and nothing between the pieces', () => {
    const host = shown(`the **${HIT.begin}rel${HIT.end}ease**`)
    expect(host.textContent).toBe('the release')
    expect([...host.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['rel'])
  })

  it('has the direction of its text, and code its own', () => {
    const host = shown('`a.b` و')
    expect(host.firstElementChild?.getAttribute('dir')).toBe('auto')
    expect(host.querySelector('[dir=ltr]')?.textContent).toBe('a.b')
  })

  it('is never markup', () => {
    for (const text of [...payloads, '</mark><a href="javascript:alert(1)">x</a>', '<em>old style highlight</em>', '&lt;b&gt;']) {
      for (const words of [text, HIT.begin + text + HIT.end]) {
        expect(shown(words).querySelector(':not(span, mark)'), text).toBeNull()
      }
    }
  })
})
