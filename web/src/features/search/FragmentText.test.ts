import { createApp, h } from 'vue'
import { describe, expect, it } from 'vitest'

import type { Fragment } from '@/api/search'

import FragmentText from './FragmentText.vue'

function rendered(fragments: Fragment[]): HTMLElement {
  const host = document.createElement('div')
  createApp({ render: () => h(FragmentText, { fragments }) }).mount(host)
  return host
}

describe('what was found', () => {
  it('is shown with its hits marked and nothing between the pieces', () => {
    const host = rendered([{ text: 'the ', hit: false }, { text: 'rel', hit: true }, { text: 'ease', hit: false }])
    expect(host.textContent).toBe('the release')
    expect([...host.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['rel'])
  })

  it.each([
    '<img src=x onerror=alert(1)>',
    '<script>alert(1)</script>',
    '</mark><a href="javascript:alert(1)">x</a>',
    '<em>old style highlight</em>',
    '&lt;b&gt;',
  ])('never becomes markup: %s', (text) => {
    for (const hit of [true, false]) {
      const host = rendered([{ text, hit }])
      expect(host.textContent).toBe(text)
      expect(host.querySelectorAll('img, script, a, em, b')).toHaveLength(0)
    }
  })
})
