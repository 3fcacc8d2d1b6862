// @vitest-environment jsdom -- as markdown.test.ts
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { pictureOf } from '@/diagram/picture'
import type { Answer, Wish } from '@/diagram/protocol'

import payloads from '../xss.corpus.json'
import { drawDiagram } from './diagram'
import { draw, understood } from './diagramFrame'
import type { Labels } from './enrich'
import { enrich } from './enrich'

vi.mock(import('./diagramFrame'), async (original) => ({ ...(await original()), draw: vi.fn<(wish: Wish) => Promise<Answer>>() }))

const labels: Labels = {
  copyCode: 'Copy code', copied: 'Copied', wrapLines: 'Wrap lines', spoiler: 'Spoiler',
  diagram: 'Diagram', drawing: 'Drawing…', noDiagram: 'It cannot be drawn.', source: 'Show source',
}
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"/>'

/** A block of code in the page, with its buttons and not drawn yet. */
function block(source: string): HTMLElement {
  document.body.innerHTML = `<div><pre><code></code></pre></div>`
  const code = document.querySelector('code')
  if (code !== null) code.textContent = source
  enrich(document.body, labels)
  return document.querySelector<HTMLElement>('.code-block') ?? document.body
}

beforeEach(() => {
  vi.mocked(draw).mockReset()
  HTMLCanvasElement.prototype.getContext = () => null
})

describe('a diagram', () => {
  it('is a picture in place of its source, which can be seen', async () => {
    vi.mocked(draw).mockResolvedValue({ svg: SVG, width: 40, height: 30, title: '' })
    const frame = block('flowchart TD\n  A --> B')
    const drawn = drawDiagram(frame, labels)
    expect(frame.querySelector('.diagram-wait')?.textContent).toBe('Drawing…')
    await drawn
    const image = frame.querySelector<HTMLImageElement>('img.diagram')
    expect([image?.alt, image?.width, image?.height]).toEqual(['Diagram: flowchart TD', 40, 30])
    expect(image?.src).toMatch(/^data:image\/svg\+xml;charset=utf-8,%3Csvg/)
    expect(frame.querySelector('pre')?.hidden).toBe(true)
    const button = frame.querySelector<HTMLButtonElement>('.diagram-source')
    button?.click()
    expect([button?.textContent, button?.getAttribute('aria-pressed'), frame.querySelector('pre')?.hidden]).toEqual(['Show source', 'true', false])
  })

  it('has its size at once when it is drawn anew', async () => {
    vi.mocked(draw).mockResolvedValue({ svg: SVG, width: 40, height: 30, title: 'How it goes' })
    await drawDiagram(block('pie'), labels)
    const frame = block('pie')
    void drawDiagram(frame, labels)
    expect(frame.querySelector<HTMLImageElement>('img.diagram')?.alt).toBe('Diagram: How it goes')
    expect(draw).toHaveBeenCalledTimes(1)
  })

  it('that cannot be drawn is its source, with a line that says so', async () => {
    vi.mocked(draw).mockResolvedValue({ problem: 'Parse error on line <b>2' })
    const frame = block('flowchart nonsense')
    await drawDiagram(frame, labels)
    expect(frame.querySelector('.diagram-problem')?.textContent).toBe('It cannot be drawn. Parse error on line <b>2')
    expect([frame.querySelector('pre')?.hidden, frame.querySelector('img'), frame.querySelector('.diagram-source')]).toEqual([false, null, null])
  })

  it('is tried again when nobody knows why it was not drawn', async () => {
    vi.mocked(draw).mockResolvedValue({ problem: '' })
    for (const _ of [1, 2]) await drawDiagram(block('gantt'), labels)
    expect(draw).toHaveBeenCalledTimes(2)
  })
})

it('believes nothing that comes out of the frame', () => {
  const answer = { svg: SVG, width: 40, height: 30, title: 'x' }
  expect(understood(answer)).toEqual(answer)
  for (const told of [null, 'x', {}, { ...answer, svg: '<html>' }, { ...answer, width: Infinity }, { ...answer, height: -1 }, { ...answer, svg: 1 }]) {
    expect(understood(told)).toEqual({ problem: '' })
  }
  expect(understood({ problem: 'x'.repeat(999) })).toEqual({ problem: 'x'.repeat(200) })
})

describe('a picture', () => {
  it('stands by itself, with its size and what it is of', () => {
    const drawn = '<svg width="100%" style="max-width: 40px" viewBox="-8 -8 39.5 30"><title>Boats</title><style>.a{fill:red}</style><g><br></g></svg>'
    const picture = pictureOf(drawn)
    expect(picture).toMatchObject({ width: 40, height: 30, title: 'Boats' })
    const svg = 'svg' in picture ? picture.svg : ''
    expect(new DOMParser().parseFromString(svg, 'image/svg+xml').querySelector('parsererror')).toBeNull()
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="40" [^>]*height="30"/)
    expect(pictureOf('<p>no</p>')).toEqual({ problem: '' })
    expect(pictureOf('<svg viewBox="0 0 99999 10"></svg>')).toEqual({ problem: '' })
  })

  it('has nothing in it that could run or fetch', () => {
    for (const text of payloads) {
      const inside = `<svg viewBox="0 0 9 9"><g>${text}</g><foreignObject><div>${text}</div></foreignObject></svg>`
      const picture = pictureOf(inside)
      if (!('svg' in picture)) continue
      const parsed = new DOMParser().parseFromString(picture.svg, 'image/svg+xml')
      expect(parsed.querySelector('script, iframe, object, embed, img, image, a, form, input, link, meta'), text).toBeNull()
      const attributes = [...parsed.querySelectorAll('*')].flatMap((element) => [...element.attributes])
      expect(attributes.filter(({ name, value }) => /^on/.test(name) || (/href$|^src/.test(name) && !value.startsWith('#'))), text).toEqual([])
    }
  }, 60_000)
})
