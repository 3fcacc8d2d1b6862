import { describe, expect, it } from 'vitest'

import { uuidv7 } from '@/api/ids'
import { renderMarkdown } from '@/ui/markdown'

import { lengthOf, LIMIT, prepared } from './length'

describe('Markdown', () => {
  it.each([
    ['**bold**', '<strong>bold</strong>'],
    ['a\nb', 'a<br>\nb'],
    ['`x < y`', '<code>x &lt; y</code>'],
    ['~~gone~~', '<s>gone</s>'],
  ])('%s is rendered', (text, html) => expect(renderMarkdown(text)).toContain(html))

  it('opens links elsewhere and tells nobody where from', () => {
    const html = renderMarkdown('see https://example.org/a?b=1&c=2')
    expect(html).toContain('href="https://example.org/a?b=1&amp;c=2"')
    expect(html).toContain('target="_blank"')
    expect(html).toContain('rel="noopener noreferrer nofollow"')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<b onclick="x()">hi</b>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](vbscript:x)',
    '![x](https://tracker.example/p.gif)',
    '<a href="javascript:x">y</a>',
    '[x](&#106;avascript:alert(1))',
    '<style>*{display:none}</style>',
  ])('%s does nothing', (text) => {
    const holder = document.createElement('div')
    holder.innerHTML = renderMarkdown(text)
    expect(holder.querySelector('script, img, style, iframe, form')).toBeNull()
    for (const element of holder.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) {
        expect(name).not.toMatch(/^on|^style$/)
        if (name === 'href') expect(value).toMatch(/^(https?|mailto|xmpp|matrix):/)
      }
    }
  })

  it('does not take the name of a file for a host', () => {
    expect(renderMarkdown('open main.py')).not.toContain('<a')
  })
})

describe('the length of a message', () => {
  it('counts characters and not UTF-16 units', () => {
    expect(lengthOf('😀'.repeat(LIMIT))).toBe(LIMIT)
    expect(lengthOf('a'.repeat(LIMIT + 1))).toBe(LIMIT + 1)
  })

  it('is taken after blank edges and NUL are gone', () => {
    expect(prepared('\n \n  code\nnext\0 \n\n')).toBe('  code\nnext')
  })
})

it('ids are UUIDv7 and sort by time', () => {
  const ids = [1_000, 2_000, 1_700_000_000_000].map((time) => uuidv7(time))
  expect([...ids].sort()).toEqual(ids)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})
