/** Draws formulas as MathML. A chunk of its own: KaTeX comes with the first formula. */
import DOMPurify from 'dompurify'
import katex from 'katex'

/** Larger ones stay as they were written. */
const MAX_LENGTH = 4_000

export function drawFormula(element: HTMLElement): void {
  const source = element.textContent
  if (source.length > MAX_LENGTH) return
  try {
    const html = katex.renderToString(source, {
      output: 'mathml',
      displayMode: element.tagName === 'DIV',
      trust: false,
      strict: 'ignore',
      maxExpand: 200,
      maxSize: 20,
    })
    element.replaceChildren(
      // The page's policy allows no style attributes; KaTeX sets some that MathML can do without.
      DOMPurify.sanitize(html.replace(/ style="[^"]*"/g, ''), {
        USE_PROFILES: { mathMl: true, html: true },
        FORBID_ATTR: ['style', 'id', 'name', 'href', 'xlink:href'],
        ADD_FORBID_CONTENTS: ['annotation'],
        RETURN_DOM_FRAGMENT: true,
      }),
    )
    element.setAttribute('data-source', source)
  } catch {
    // Not a formula that KaTeX reads: it stays as it was written.
    element.classList.add('broken')
  }
}
