/**
 * The page in the frame. It may run its scripts and do nothing else: no origin, no storage, no network, nothing of the page
 * around it. A source comes in through the port, a picture goes out.
 */
import mermaid from 'mermaid'

import { configOf } from './config'
import { pictureOf } from './picture'
import type { Answer, Wish } from './protocol'

/** A message is shorter. */
const MAX_LENGTH = 20_000
let count = 0

async function draw({ source, look }: Wish): Promise<Answer> {
  if (source.length > MAX_LENGTH) return { problem: '' }
  try {
    mermaid.initialize(configOf(look))
    const { svg } = await mermaid.render(`diagram-${++count}`, source)
    return pictureOf(svg)
  } catch (error) {
    return { problem: error instanceof Error ? (error.message.split('\n')[0] ?? '') : '' }
  } finally {
    // What it measured in, and may have left behind.
    document.body.replaceChildren()
  }
}

addEventListener(
  'message',
  ({ ports: [port] }) => {
    if (port === undefined) return
    port.onmessage = async ({ data }: MessageEvent<Wish>) => port.postMessage(await draw(data))
  },
  { once: true },
)
