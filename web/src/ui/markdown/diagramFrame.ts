/**
 * Has diagrams drawn by a frame that belongs to no origin (docs/decisions/0024-diagrams.md): one frame, one diagram after the other.
 * Whatever goes wrong in there, a picture comes out or none.
 */
import type { Answer, Wish } from '@/diagram/protocol'

/** The first one waits for its code as well. Who takes longer is shut out, and the next one gets a new frame. */
const PATIENCE_MS = 12_000
/** It holds some 30 MB. */
const IDLE_MS = 60_000
const MAX_PICTURE = 700_000
const MAX_SIDE = 10_000

interface Frame {
  readonly element: HTMLIFrameElement
  readonly port: Promise<MessagePort>
}

let frame: Frame | null = null
let turn: Promise<unknown> = Promise.resolve()
let idle: ReturnType<typeof setTimeout> | undefined

function opened(): Frame {
  const element = document.createElement('iframe')
  element.sandbox.add('allow-scripts')
  element.className = 'diagram-frame'
  element.title = 'Diagram'
  element.inert = true
  element.setAttribute('aria-hidden', 'true')
  const port = new Promise<MessagePort>((resolve) => {
    element.addEventListener(
      'load',
      () => {
        const { port1, port2 } = new MessageChannel()
        // To any origin, since it has none. Only the frame holds the other end from here on.
        element.contentWindow?.postMessage('draw', '*', [port2])
        resolve(port1)
      },
      { once: true },
    )
  })
  element.src = '/diagram.html'
  document.body.append(element)
  return { element, port }
}

function close(): void {
  void frame?.port.then((port) => port.close())
  frame?.element.remove()
  frame = null
}

async function ask(wish: Wish): Promise<unknown> {
  const port = await (frame ??= opened()).port
  return new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data)
    port.postMessage(wish)
  })
}

function late(): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS))
}

async function drawOnce(wish: Wish): Promise<Answer> {
  clearTimeout(idle)
  const told = await Promise.race([ask(wish), late()])
  if (told === null) close()
  else idle = setTimeout(close, IDLE_MS)
  return understood(told)
}

/** What comes out of the frame is believed as little as what went in. */
export function understood(told: unknown): Answer {
  const { svg, width, height, title, problem } = (typeof told === 'object' && told !== null ? told : {}) as Record<string, unknown>
  const sized = (side: unknown): side is number => typeof side === 'number' && side > 0 && side <= MAX_SIDE
  if (typeof svg === 'string' && svg.startsWith('<svg') && svg.length <= MAX_PICTURE && sized(width) && sized(height)) {
    return { svg, width, height, title: typeof title === 'string' ? title.slice(0, 500) : '' }
  }
  return { problem: typeof problem === 'string' ? problem.slice(0, 200) : '' }
}

export function draw(wish: Wish): Promise<Answer> {
  const mine = turn.then(() => drawOnce(wish))
  turn = mine
  return mine
}
