// @vitest-environment jsdom -- DOMPurify does not work on happy-dom: it lets scripts through there.
import { describe, expect, it } from 'vitest'

import { renderMarkdown } from './markdown'
import { enrich } from './markdown/enrich'
import type { Names } from './markdown/names'
import { loadShortcodes } from './markdown/shortcodes'
import payloads from './xss.corpus.json'

const ID = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const names: Names = {
  person: (key) => (key === 'ada' || key === ID ? { id: ID, name: 'Ada <b>', mine: true } : null),
  channel: (key) => (key === 'plans' || key === ID ? { name: 'plans', href: 'https://chat.example/w/a/c/1' } : null),
}
const labels = {
  copyCode: 'Copy code', copied: 'Copied', wrapLines: 'Wrap lines', spoiler: 'Spoiler',
  diagram: 'Diagram', drawing: 'Drawing…', noDiagram: 'It cannot be drawn.', source: 'Show source',
}

function drawn(text: string): HTMLElement {
  const holder = document.createElement('div')
  holder.innerHTML = renderMarkdown(text, { names })
  enrich(holder, labels)
  return holder
}

describe('what GitHub adds', () => {
  it('draws tables, tasks, and struck words', () => {
    expect(drawn('|a|b|\n|-|-|\n|1|2|').querySelectorAll('table td').length).toBe(2)
    const items = [...drawn('- [ ] one\n- [x] **two**\n- [y] three').querySelectorAll('li')]
    expect(items.map((item) => item.textContent)).toEqual(['☐ one', '☑ two', '[y] three'])
    expect(items.map((item) => item.className)).toEqual(['task', 'task', ''])
    expect(drawn('~~no~~').querySelector('s')?.textContent).toBe('no')
  })

  it('gives code its language, and buttons', () => {
    const code = drawn('```python\nprint(1)\n```')
    expect(code.querySelector('pre')?.dataset['lang']).toBe('python')
    expect([...code.querySelectorAll('button')].map(({ textContent }) => textContent)).toEqual(['Wrap lines', 'Copy code'])
    code.querySelector('button')?.click()
    expect(code.querySelector('pre')?.className).toBe('wrapped')
    expect(drawn('```<b>"x\n<i>\n```').querySelector('pre')?.dataset['lang']).toBe('<b>"x')
  })
})

it('knows the names that HTML has for letters', () => {
  const text = (source: string) => drawn(source).textContent.trim()
  expect(text('&copy; &Auml; &nbsp;&amp; &lt;b&gt; &semi; &#9731;')).toBe('© Ä \u00a0& <b> ; ☃')
  expect(text('&ampere; &nothing; &copy &amp')).toBe('&ampere; &nothing; &copy &amp')
  expect(drawn('[a](https://a.example/?b&amp;c)').querySelector('a')?.href).toBe('https://a.example/?b&c')
})

describe('a spoiler', () => {
  it('is covered until somebody asks', () => {
    const holder = drawn('the end: ||he **dies**||.')
    const spoiler = holder.querySelector<HTMLElement>('.spoiler')
    expect(spoiler?.getAttribute('aria-label')).toBe('Spoiler')
    expect(spoiler?.querySelector('strong')?.textContent).toBe('dies')
    spoiler?.click()
    expect(spoiler?.className).toBe('spoiler open')
    expect(spoiler?.hasAttribute('role')).toBe(false)
  })

  it('is not what means "or"', () => {
    for (const text of ['a || b || c', '||', '||||', '`a||b||`', 'a||b']) {
      expect(drawn(text).querySelector('.spoiler')).toBeNull()
    }
  })
})

describe('a formula', () => {
  it('is told from money, and keeps its lines', () => {
    expect(drawn('so $$a^2 < b$$ holds').querySelector('span.math')?.textContent).toBe('a^2 < b')
    expect(drawn('$$\n= x\n- y\n$$').querySelector('div.math')?.textContent).toBe('= x\n- y')
    expect(drawn('$5 and $6, and `$$x$$`').querySelector('.math')).toBeNull()
  })

  it('is drawn as MathML without styles', async () => {
    const { drawFormula } = await import('./markdown/formula')
    const element = document.createElement('span')
    element.textContent = '\\frac{1}{2} \\color{red} x'
    drawFormula(element)
    expect(element.querySelector('math mfrac')).not.toBeNull()
    expect(element.innerHTML).not.toMatch(/style=|annotation|<script|href/)
    const broken = document.createElement('span')
    broken.textContent = '\\frac{'
    drawFormula(broken)
    expect(broken.textContent).toBe('\\frac{')
  })
})

describe('colours of code', () => {
  it('are classes', async () => {
    const { highlight } = await import('./markdown/highlight')
    const code = document.createElement('code')
    code.textContent = 'def f():\n    return "<b>"\n'
    await highlight(code, 'py')
    expect(code.textContent).toBe('def f():\n    return "<b>"\n')
    expect(code.querySelector('.code-keyword')?.textContent).toBe('def')
    expect(code.innerHTML).not.toContain('style=')
  })
})

describe('names', () => {
  it.each([`<@${ID}>`, '@ada', '(@Ada)', '@ada.', '**@ada**'])('%s is a person', (text) => {
    const mention = drawn(text).querySelector<HTMLElement>('.mention.mine')
    expect(mention?.textContent).toBe('@Ada <b>')
    expect(mention?.dataset['user']).toBe(ID)
  })

  it.each([`<#${ID}>`, 'in #plans!'])('%s is a channel', (text) => {
    expect(drawn(text).querySelector('a.channel')?.getAttribute('href')).toBe('https://chat.example/w/a/c/1')
  })

  it('call everybody', () => expect(drawn('@channel').querySelector('.mention.mine')?.textContent).toBe('@channel'))

  it.each(['a@ada', '`@ada`', '@bob', '#nowhere', 'https://x.example/@ada#plans', '\\@ada', '# plans'])('%s is none', (text) => {
    expect(drawn(text).querySelector('.mention, .channel')).toBeNull()
  })

  it('change when somebody is renamed', () => {
    const renamed: Names = { ...names, person: () => ({ id: ID, name: 'Ada L.', mine: false }) }
    expect(renderMarkdown('@ada', { names: renamed })).toContain('@Ada L.')
  })
})

describe('the address of a message', () => {
  const there = 'https://chat.example/w/a/c/1/m/2'
  const reading: Names = { ...names, message: (href) => (href.startsWith('https://chat.example/') ? 'Ada in #plans: <b>' : null) }
  const link = (text: string) => {
    const holder = document.createElement('div')
    holder.innerHTML = renderMarkdown(text, { names: reading })
    return holder.querySelector('a')
  }

  it.each([there, `see ${there}, please`, `<${there}>`, there.replace('/m/', '/t/')])('%s reads as whose it is', (text) => {
    expect([link(text)?.textContent, link(text)?.className]).toEqual(['Ada in #plans: <b>', 'channel'])
    expect(link(text)?.getAttribute('href')).toContain('https://chat.example/w/a/c/1/')
  })

  it('keeps words that somebody gave it, and is code in code', () => {
    expect(link(`[that](${there})`)?.textContent).toBe('that')
    expect(link(`\`${there}\``)).toBeNull()
    expect(link('https://elsewhere.example/w/a/c/1/m/2')?.textContent).toBe('https://elsewhere.example/w/a/c/1/m/2')
  })
})

it('emoji have names', async () => {
  expect(drawn('yes :tada:').textContent).toContain(':tada:')
  await loadShortcodes()
  expect(drawn('yes :tada: :+1: `:tada:` 12:30:45 a:tada:b :constructor:').textContent.trim()).toBe(
    'yes 🎉 👍 :tada: 12:30:45 a:tada:b :constructor:',
  )
})

const HARMFUL = 'script, img, style, iframe, form, input, object, embed, svg, link, meta, base, video, audio, template, math'
/** Two hundred documents take seconds on a busy machine. */
const TIMEOUT_MS = 60_000
const FORBIDDEN = /^on|^style$|^src|^action$|^formaction$|^id$|^name$|:/
const SCHEMES = /^(https?|mailto|xmpp|matrix):/

describe('nothing that somebody writes runs', () => {
  it('is tried with more than a hundred texts', () => expect(new Set(payloads).size).toBeGreaterThanOrEqual(110))

  // One test for all: a name for each would cost more than trying it.
  it('in no place of a message', () => {
    const inside = payloads.map((text) => `||${text}||\n> - [${text}](https://x.example)`)
    for (const text of [...payloads, payloads.join('\n\n'), inside.join('\n\n')]) {
      const holder = drawn(text)
      expect(holder.querySelector(HARMFUL), text).toBeNull()
      const attributes = [...holder.querySelectorAll('*')].flatMap((element) => [...element.attributes])
      const wrong = attributes.filter(({ name, value }) => FORBIDDEN.test(name) || (name === 'href' && !SCHEMES.test(value)))
      expect(wrong, text).toEqual([])
    }
  }, TIMEOUT_MS)

  it('in no formula', async () => {
    const { drawFormula } = await import('./markdown/formula')
    const sources = payloads.map((text, index) => [`\\text{${text}}`, text, `\\href{${text}}{x}`][index % 3] ?? text)
    for (const source of [...sources, '\\htmlStyle{color:red}{x}', '\\htmlData{a=b}{x}', '\\fcolorbox{red}{blue}{x}']) {
      const element = document.createElement('span')
      element.textContent = source
      drawFormula(element)
      expect(element.querySelector('script, img, style, iframe, a, svg, annotation-xml'), source).toBeNull()
      const attributes = [...element.querySelectorAll('*')].flatMap((inner) => [...inner.attributes])
      expect(attributes.filter(({ name }) => FORBIDDEN.test(name) || name === 'href'), source).toEqual([])
    }
  }, TIMEOUT_MS)
})
