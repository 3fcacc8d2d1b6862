/** Makes a picture that stands by itself of what Mermaid drew: clean, well-formed, of a known size. */
import DOMPurify from 'dompurify'

import type { Answer } from './protocol'

/** Larger ones are no diagram that somebody reads in a message. */
const MAX_PICTURE = 600_000
const MAX_SIDE = 8_000

DOMPurify.addHook('uponSanitizeAttribute', (_node, data) => {
  // A picture leads nowhere and fetches nothing: what is left are its own markers and gradients.
  if (/^(?:xlink:)?href$|^src$/.test(data.attrName) && !data.attrValue.startsWith('#')) data.keepAttr = false
})

export function pictureOf(drawn: string): Answer {
  const clean = DOMPurify.sanitize(drawn, {
    USE_PROFILES: { svg: true, svgFilters: true, html: true },
    ADD_TAGS: ['foreignObject'],
    ADD_ATTR: ['dominant-baseline'],
    FORBID_TAGS: ['img', 'image', 'a', 'form', 'input', 'button', 'video', 'audio', 'feImage'],
    HTML_INTEGRATION_POINTS: { foreignobject: true },
    RETURN_DOM_FRAGMENT: true,
    // Its types do not know that nothing may be left.
  }) as DocumentFragment | null
  const svg = clean?.querySelector('svg') ?? null
  const [, , width = 0, height = 0] = (svg?.getAttribute('viewBox') ?? '').split(/[\s,]+/).map(Number)
  if (svg === null || !(width > 0 && width <= MAX_SIDE) || !(height > 0 && height <= MAX_SIDE)) return { problem: '' }
  svg.setAttribute('width', String(Math.ceil(width)))
  svg.setAttribute('height', String(Math.ceil(height)))
  svg.style.removeProperty('max-width')
  const text = new XMLSerializer().serializeToString(svg)
  if (text.length > MAX_PICTURE) return { problem: '' }
  const words = [...svg.children].filter(({ localName }) => localName === 'title' || localName === 'desc').map((part) => part.textContent.trim())
  return { svg: text, width: Math.ceil(width), height: Math.ceil(height), title: words.join('. ') }
}
