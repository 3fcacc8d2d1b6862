import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Envelope, Hello, ResetReason, RunSign, Typing } from '@/api/events'
import { Problem } from '@/api/problem'

import { CEILING_MS, fullJitter } from './backoff'
import type { StreamState } from './stream'
import { DEAD_AFTER_MS, StreamClient } from './stream'

/** A server at the other end of `fetch`: every connection is a stream that the test writes to. */
class Server {
  readonly urls: string[] = []
  readonly tokens: string[] = []
  refuse: Response | null = null
  #controllers: ReadableStreamDefaultController<Uint8Array>[] = []

  fetch = ((url: string, init: RequestInit) => {
    this.urls.push(url)
    this.tokens.push((init.headers as Record<string, string>)['Authorization'] ?? '')
    if (this.refuse !== null) {
      const response = this.refuse
      this.refuse = null
      return Promise.resolve(response)
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controllers.push(controller)
        init.signal?.addEventListener('abort', () => {
          try {
            controller.error(new DOMException('aborted', 'AbortError'))
          } catch {
            // Closed before.
          }
        })
      },
    })
    return Promise.resolve(new Response(body, { status: 200 }))
  }) as unknown as typeof fetch

  get connections(): number {
    return this.urls.length
  }

  async write(text: string): Promise<void> {
    this.#controllers.at(-1)?.enqueue(new TextEncoder().encode(text))
    await vi.advanceTimersByTimeAsync(0)
  }

  async close(): Promise<void> {
    this.#controllers.at(-1)?.close()
    await vi.advanceTimersByTimeAsync(0)
  }
}

const hello = (resumed: boolean, cursor: string) =>
  `event: hello\ndata: ${JSON.stringify({ resumed, cursor, server: 's', rotate_s: 600 })}\n\n`

let server: Server
let client: StreamClient
let seen: {
  states: StreamState[]
  hellos: Hello[]
  events: Envelope[]
  typing: Typing[]
  resets: ResetReason[]
  signs: RunSign[]
}
let token: () => Promise<string>
const distrusted: string[] = []

beforeEach(() => {
  vi.useFakeTimers()
  server = new Server()
  seen = { states: [], hellos: [], events: [], typing: [], resets: [], signs: [] }
  distrusted.length = 0
  token = () => Promise.resolve('t1')
  client = new StreamClient(
    { fetch: server.fetch, token: () => token(), distrust: (spent) => distrusted.push(spent), random: () => 0.5 },
    {
      onState: (state) => seen.states.push(state),
      onHello: (value) => seen.hellos.push(value),
      onEvent: (event) => seen.events.push(event),
      onTyping: (value) => seen.typing.push(value),
      onRunSign: (value) => seen.signs.push(value),
      onReset: (reason) => seen.resets.push(reason),
    },
  )
})

afterEach(() => {
  client.stop()
  vi.useRealTimers()
})

async function live(cursor: string | null = 'c0'): Promise<void> {
  client.start(cursor)
  await vi.advanceTimersByTimeAsync(0)
  await server.write(hello(true, 'c0'))
}

describe('the stream', () => {
  it('starts at the cursor of the snapshot', async () => {
    await live('c0')
    expect(server.urls[0]).toBe('/api/v1/stream?cursor=c0')
    expect(server.tokens[0]).toBe('Bearer t1')
    expect(seen.states).toEqual(['connecting', 'live'])
  })

  it('hands on events and goes on from the last id after a cut', async () => {
    await live()
    await server.write('id: c1\nevent: message.created\ndata: {"type":"message.created","id":"e1"}\n\n')
    await server.write('id: c2\n\n')
    await server.close()
    expect(seen.events).toHaveLength(1)
    expect(client.state).toBe('waiting')
    await vi.advanceTimersByTimeAsync(250)
    expect(server.urls[1]).toBe('/api/v1/stream?cursor=c2')
  })

  it('passes over a sign that it does not know, which is no position either', async () => {
    await live()
    await server.write('id: c1\nevent: message.created\ndata: {"type":"message.created","id":"e1"}\n\n')
    await server.write('event: reset\ndata: {"reason":"too_far","cursor":"c9"}\n\n')
    await server.write('event: presence\ndata: {"type":"presence","people":[]}\n\n')
    await server.close()
    await vi.advanceTimersByTimeAsync(250)
    expect(seen.events.map((event) => event.id)).toEqual(['e1'])
    expect(server.urls[1]).toBe('/api/v1/stream?cursor=c9')
  })

  it('takes a connection without a byte for 45 s as dead', async () => {
    await live()
    await vi.advanceTimersByTimeAsync(DEAD_AFTER_MS - 10_000)
    await server.write('id: c1\n\n')
    await vi.advanceTimersByTimeAsync(DEAD_AFTER_MS - 5_000)
    expect(server.connections).toBe(1)
    await vi.advanceTimersByTimeAsync(11_000)
    expect(server.connections).toBe(2)
  })

  it('waits as long as `bye` says', async () => {
    await live()
    await server.write('event: bye\ndata: {"reason":"rotate","retry_ms":4000}\n\n')
    await vi.advanceTimersByTimeAsync(3_900)
    expect(server.connections).toBe(1)
    await vi.advanceTimersByTimeAsync(200)
    expect(server.connections).toBe(2)
  })

  it('gets another token and resumes at once when the token has expired', async () => {
    await live()
    token = () => Promise.resolve('t2')
    await server.write('event: bye\ndata: {"reason":"token_expired","retry_ms":0}\n\n')
    await vi.advanceTimersByTimeAsync(10)
    expect(distrusted).toEqual(['t1'])
    expect(server.tokens[1]).toBe('Bearer t2')
  })

  it('ends when the session is over', async () => {
    await live()
    token = () => Promise.reject(new Problem(401, 'unauthenticated', ''))
    await server.write('event: bye\ndata: {"reason":"revoked","retry_ms":0}\n\n')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(client.state).toBe('stopped')
    expect(server.connections).toBe(1)
  })

  it('goes on from the cursor of a reset and tells of it', async () => {
    await live()
    await server.write('event: reset\ndata: {"reason":"expired","cursor":"c90"}\n\n')
    expect(seen.resets).toEqual(['expired'])
    await server.close()
    await vi.advanceTimersByTimeAsync(500)
    expect(server.urls[1]).toContain('cursor=c90')
  })

  it('respects Retry-After', async () => {
    server.refuse = new Response(null, { status: 503, headers: { 'Retry-After': '7' } })
    client.start('c0')
    await vi.advanceTimersByTimeAsync(7_200)
    expect(server.connections).toBe(1)
    await vi.advanceTimersByTimeAsync(100)
    expect(server.connections).toBe(2)
  })

  it('tries at once when the machine is back online', async () => {
    server.refuse = new Response(null, { status: 503, headers: { 'Retry-After': '60' } })
    client.start('c0')
    await vi.advanceTimersByTimeAsync(1_000)
    dispatchEvent(new Event('online'))
    await vi.advanceTimersByTimeAsync(0)
    expect(server.connections).toBe(2)
  })

  it('hands on typing without touching the cursor', async () => {
    await live('c0')
    await server.write('event: typing\ndata: {"type":"typing","channel_id":"x","user_id":"u","expires_in_ms":6000}\n\n')
    expect(seen.typing).toHaveLength(1)
    await server.close()
    await vi.advanceTimersByTimeAsync(500)
    expect(server.urls[1]).toContain('cursor=c0')
  })

  it('makes no further attempt once it is stopped', async () => {
    await live()
    client.stop()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(server.connections).toBe(1)
    expect(client.state).toBe('stopped')
  })
})

describe('the back-off', () => {
  it('never waits longer than its ceiling', () => expect(fullJitter(50, () => 1)).toBe(CEILING_MS))
  it('doubles', () => expect([0, 1, 2].map((n) => fullJitter(n, () => 1))).toEqual([500, 1000, 2000]))
  it('is spread over the whole range', () => expect(fullJitter(3, () => 0)).toBe(0))
})
