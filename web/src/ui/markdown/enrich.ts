/** What rendered Markdown gets when it is in the page: buttons for code, covers for spoilers, colours and formulas, lazily. */
import { copyText } from '../clipboard'

/** In the reader's language. */
export interface Labels {
  readonly copyCode: string
  readonly copied: string
  readonly wrapLines: string
  readonly spoiler: string
  readonly diagram: string
  readonly drawing: string
  readonly noDiagram: string
  readonly source: string
}

/** The language of a block that is drawn. */
const DIAGRAM = 'mermaid'

export function enrich(root: HTMLElement, labels: Labels): void {
  root.querySelectorAll<HTMLElement>('.spoiler').forEach((element) => cover(element, labels))
  root.querySelectorAll<HTMLElement>('pre').forEach((element) => equip(element, labels))
  const formulas = [...root.querySelectorAll<HTMLElement>('.math')]
  if (formulas.length > 0) void import('./formula').then(({ drawFormula }) => formulas.forEach(drawFormula), nothing)
}

/** Without its chunk (no network) a text stays as it is. */
function nothing(): void {}

/** To a screen reader it is a button too until it is opened. */
function cover(element: HTMLElement, labels: Labels): void {
  const text = element.firstElementChild
  element.setAttribute('role', 'button')
  element.setAttribute('tabindex', '0')
  element.setAttribute('aria-label', labels.spoiler)
  text?.setAttribute('inert', '')
  const open = (event: Event): void => {
    if (element.classList.contains('open')) return
    if (event instanceof KeyboardEvent && event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    event.stopPropagation()
    element.classList.add('open')
    for (const name of ['role', 'tabindex', 'aria-label']) element.removeAttribute(name)
    text?.removeAttribute('inert')
  }
  element.addEventListener('click', open)
  element.addEventListener('keydown', open)
}

function equip(pre: HTMLElement, labels: Labels): void {
  const code = pre.querySelector('code')
  if (code === null) return
  const language = pre.dataset['lang'] ?? ''
  const frame = document.createElement('div')
  frame.className = 'code-block'
  const tools = document.createElement('div')
  tools.className = 'code-tools'
  const name = document.createElement('span')
  name.textContent = language
  const wrap = button(labels.wrapLines)
  wrap.className = 'code-wrap'
  wrap.setAttribute('aria-pressed', 'false')
  wrap.addEventListener('click', () => wrap.setAttribute('aria-pressed', String(pre.classList.toggle('wrapped'))))
  const copy = button(labels.copyCode)
  copy.addEventListener('click', () => {
    void copyText(code.textContent).then((done) => done && flash(copy, labels))
  })
  tools.append(name, wrap, copy)
  pre.replaceWith(frame)
  frame.append(pre, tools)
  if (language === DIAGRAM) void import('./diagram').then(({ drawDiagram }) => drawDiagram(frame, labels)).catch(nothing)
  else if (language !== '') void import('./highlight').then(({ highlight }) => highlight(code, language)).catch(nothing)
}

function button(label: string): HTMLButtonElement {
  const element = document.createElement('button')
  element.type = 'button'
  element.textContent = label
  return element
}

const FLASH_MS = 2_000

function flash(copy: HTMLButtonElement, labels: Labels): void {
  copy.textContent = labels.copied
  setTimeout(() => (copy.textContent = labels.copyCode), FLASH_MS)
}
