/**
 * A diagram in place of its source. It is shown as a picture, and pictures run nothing and fetch nothing, whatever they are made
 * of. A chunk of its own; what draws comes with the first diagram, into a frame.
 */
import type { Answer, Look } from '@/diagram/protocol'

import { draw } from './diagramFrame'
import type { Labels } from './enrich'

/** Somebody, or a model, may still be writing it. */
const PAUSE_MS = 200
const KEPT = 40

/** By look and source: what is drawn anew has its size at once. */
const known = new Map<string, Answer>()

interface Block {
  readonly source: string
  readonly labels: Labels
}
const blocks = new WeakMap<HTMLElement, Block>()
let watching = false

/** `frame` is the `.code-block` of the source. */
export async function drawDiagram(frame: HTMLElement, labels: Labels): Promise<void> {
  blocks.set(frame, { source: frame.querySelector('code')?.textContent ?? '', labels })
  watchLook()
  await show(frame)
}

async function show(frame: HTMLElement): Promise<void> {
  const block = blocks.get(frame)
  if (block === undefined || !frame.isConnected) return
  const look = lookOf(document.documentElement)
  const key = JSON.stringify([look, block.source])
  let answer = known.get(key)
  if (answer === undefined) {
    if (frame.querySelector('.diagram') === null) reserve(frame, block)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    if (!frame.isConnected) return
    answer = known.get(key) ?? (await draw({ source: block.source, look }))
    keep(key, answer)
  }
  if ('svg' in answer) picture(frame, block, answer)
  else failed(frame, block, answer.problem)
}

function keep(key: string, answer: Answer): void {
  // Without a reason it may have been the network: the next time it is tried again.
  if ('problem' in answer && answer.problem === '') return
  if (known.size >= KEPT) known.delete(known.keys().next().value ?? '')
  known.set(key, answer)
}

/** Room for it, so that the list moves little when it comes. */
function reserve(frame: HTMLElement, { labels }: Block): void {
  const wait = document.createElement('p')
  wait.className = 'diagram diagram-wait'
  wait.textContent = labels.drawing
  put(frame, wait)
  hideSource(frame, true)
}

function picture(frame: HTMLElement, block: Block, { svg, width, height, title }: Extract<Answer, { svg: string }>): void {
  const image = new Image(width, height)
  image.className = 'diagram'
  image.decoding = 'async'
  image.alt = `${block.labels.diagram}: ${title || (block.source.trim().split('\n')[0] ?? '')}`
  image.addEventListener('error', () => failed(frame, block, ''))
  // No `blob:`: opened in a tab of its own it would belong to this site.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  put(frame, image)
  const toggle = sourceButton(frame, block)
  hideSource(frame, toggle.getAttribute('aria-pressed') !== 'true')
}

function failed(frame: HTMLElement, { labels }: Block, reason: string): void {
  const line = document.createElement('p')
  line.className = 'diagram diagram-problem'
  line.textContent = reason === '' ? labels.noDiagram : `${labels.noDiagram} ${reason}`
  put(frame, line)
  frame.querySelector('.diagram-source')?.remove()
  hideSource(frame, false)
}

function put(frame: HTMLElement, element: HTMLElement): void {
  frame.querySelector('.diagram')?.remove()
  frame.prepend(element)
}

function hideSource(frame: HTMLElement, hidden: boolean): void {
  const pre = frame.querySelector('pre')
  const wrap = frame.querySelector<HTMLElement>('.code-wrap')
  if (pre !== null) pre.hidden = hidden
  if (wrap !== null) wrap.hidden = hidden
}

function sourceButton(frame: HTMLElement, { labels }: Block): HTMLButtonElement {
  const there = frame.querySelector<HTMLButtonElement>('.diagram-source')
  if (there !== null) return there
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'diagram-source'
  button.textContent = labels.source
  button.setAttribute('aria-pressed', 'false')
  button.addEventListener('click', () => {
    const on = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(on))
    hideSource(frame, !on)
  })
  frame.querySelector('.code-tools > span')?.after(button)
  return button
}

/** Another theme: those that are in the page are drawn again. */
function watchLook(): void {
  if (watching) return
  watching = true
  const again = (): void => document.querySelectorAll<HTMLElement>('.code-block:has(.diagram)').forEach((frame) => void show(frame))
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ['data-theme'] })
}

function lookOf(root: HTMLElement): Look {
  const style = getComputedStyle(root)
  const colour = (name: string): string => hex(style.getPropertyValue(`--${name}`))
  return {
    dark: style.colorScheme.startsWith('dark'),
    page: colour('page'),
    side: colour('side'),
    float: colour('float'),
    text: colour('text'),
    muted: colour('muted'),
    line: colour('line-strong'),
    accent: colour('accent'),
    soft: colour('accent-soft'),
    warning: colour('warning-soft'),
  }
}

let pencil: CanvasRenderingContext2D | null | undefined

/** Any colour that the browser knows. Mermaid reads no `oklch()`. */
function hex(colour: string): string {
  pencil ??= Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true })
  if (!pencil || colour === '') return '#808080'
  pencil.fillStyle = colour.trim()
  pencil.fillRect(0, 0, 1, 1)
  const [red = 0, green = 0, blue = 0] = pencil.getImageData(0, 0, 1, 1).data
  return `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`
}
