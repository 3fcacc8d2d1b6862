/**
 * The event stream: one fetch-based SSE connection that keeps itself alive.
 *
 * It owns the cursor (the last SSE id), reconnects with full-jitter back-off, counts 45 s without a byte as dead,
 * tries again at once when the machine comes back, and follows the server's `bye`. What events mean is not its business.
 */
import type { ByeReason, Envelope, Hello, ResetReason, RunSign, Typing } from '@/api/events'
import { Problem } from '@/api/problem'

import { fullJitter } from './backoff'
import type { Frame } from './sse'
import { SseParser } from './sse'

export const DEAD_AFTER_MS = 45_000
/** Back from a hidden tab: with silence longer than this, the connection is not trusted. */
export const STALE_AFTER_MS = 30_000

export type StreamState = 'stopped' | 'connecting' | 'live' | 'waiting'

export interface StreamHandlers {
  onState(state: StreamState): void
  onHello(hello: Hello): void
  onEvent(event: Envelope): void
  onTyping(typing: Typing): void
  onRunSign(sign: RunSign): void
  onReset(reason: ResetReason): void
}

export interface StreamDependencies {
  fetch: typeof fetch
  /** A live access token; throws a Problem with status 401 when the session is over. */
  token(): Promise<string>
  /** The server says this token is spent. */
  distrust(token: string): void
  random(): number
}

/** How a connection ended: wait this long (null = by back-off) before the next one. */
interface Ending {
  waitMs: number | null
}

export class StreamClient {
  #cursor: string | null = null
  #state: StreamState = 'stopped'
  #attempt = 0
  #abort: AbortController | null = null
  #wake: (() => void) | null = null
  #lastByte = 0
  #generation = 0

  constructor(
    private readonly dependencies: StreamDependencies,
    private readonly handlers: StreamHandlers,
  ) {}

  get state(): StreamState {
    return this.#state
  }

  get running(): boolean {
    return this.#state !== 'stopped'
  }

  /** Starts from `cursor` (from bootstrap). Without one the stream begins live and says `resumed: false`. */
  start(cursor: string | null): void {
    this.stop()
    this.#cursor = cursor
    this.#attempt = 0
    addEventListener('online', this.#onOnline)
    document.addEventListener('visibilitychange', this.#onVisible)
    void this.#run(++this.#generation)
  }

  stop(): void {
    this.#generation++
    removeEventListener('online', this.#onOnline)
    document.removeEventListener('visibilitychange', this.#onVisible)
    this.#abort?.abort()
    this.#wake?.()
    this.#set('stopped')
  }

  /** Ends the wait before the next attempt; a live connection is left alone. */
  retryNow = (): void => {
    this.#attempt = 0
    this.#wake?.()
  }

  /** The network changed: what was open may be dead without a word. Resuming costs one request. */
  #onOnline = (): void => {
    if (this.#state === 'live') this.#abort?.abort()
    this.retryNow()
  }

  #onVisible = (): void => {
    if (document.visibilityState !== 'visible') return
    if (this.#state === 'live' && performance.now() - this.#lastByte > STALE_AFTER_MS) this.#abort?.abort()
    this.retryNow()
  }

  async #run(generation: number): Promise<void> {
    while (generation === this.#generation) {
      this.#set('connecting')
      const ending = await this.#connect(generation)
      if (generation !== this.#generation || ending === 'over') break
      const wait = ending.waitMs ?? fullJitter(this.#attempt++, () => this.dependencies.random())
      this.#set('waiting')
      await this.#sleep(wait)
    }
    if (generation === this.#generation) this.#set('stopped')
  }

  async #connect(generation: number): Promise<Ending | 'over'> {
    const abort = new AbortController()
    this.#abort = abort
    const watchdog = setInterval(() => {
      if (performance.now() - this.#lastByte > DEAD_AFTER_MS) abort.abort()
    }, 5_000)
    this.#lastByte = performance.now()
    try {
      const token = await this.dependencies.token()
      if (generation !== this.#generation) return 'over'
      const response = await this.dependencies.fetch(this.#url(), {
        headers: {
          Accept: 'text/event-stream',
          Authorization: `Bearer ${token}`,
          'X-Tertulia-Client': 'web',
        },
        cache: 'no-store',
        signal: abort.signal,
      })
      if (response.status === 401) this.dependencies.distrust(token)
      if (!response.ok || response.body === null) {
        await response.body?.cancel()
        return { waitMs: retryAfterMs(response) }
      }
      return await this.#read(response.body, token)
    } catch (error) {
      return error instanceof Problem && error.status === 401 ? 'over' : { waitMs: null }
    } finally {
      clearInterval(watchdog)
      abort.abort()
    }
  }

  async #read(body: ReadableStream<Uint8Array>, token: string): Promise<Ending> {
    const ending: Ending = { waitMs: null }
    let bye = false
    const parser = new SseParser({
      onFrame: (frame) => {
        if (frame.event === 'bye') {
          bye = true
          ending.waitMs = this.#onBye(frame, token)
        } else this.#onFrame(frame)
      },
      onRetry: () => undefined,
    })
    const reader = body.getReader()
    const decoder = new TextDecoder()
    while (!bye) {
      const { done, value } = await reader.read()
      if (done) break
      this.#lastByte = performance.now()
      parser.push(decoder.decode(value, { stream: true }))
    }
    return ending
  }

  #onFrame(frame: Frame): void {
    if (frame.event === 'hello') {
      const hello = JSON.parse(frame.data) as Hello
      this.#cursor = hello.cursor
      this.#attempt = 0
      this.#set('live')
      this.handlers.onHello(hello)
    } else if (frame.event === 'reset') {
      const reset = JSON.parse(frame.data) as { reason: ResetReason; cursor: string }
      this.#cursor = reset.cursor
      this.handlers.onReset(reset.reason)
    } else if (frame.event === 'typing') {
      this.handlers.onTyping(JSON.parse(frame.data) as Typing)
    } else if (frame.event === 'run.delta' || frame.event === 'run.step') {
      this.handlers.onRunSign(JSON.parse(frame.data) as RunSign)
    } else this.#onLogged(frame)
  }

  /** An event, or the mere position of a quiet client. */
  #onLogged(frame: Frame): void {
    const data = frame.data === '' ? null : (JSON.parse(frame.data) as Envelope | Record<string, never>)
    // Without an id of its own it is a sign of the moment that this page does not know (presence), and no position.
    if (data !== null && !('id' in data)) return
    // The event is handed on before its id counts as seen, so that a throw in between repeats it.
    if (data !== null) this.handlers.onEvent(data as Envelope)
    if (frame.id !== null) this.#cursor = frame.id
  }

  #onBye(frame: Frame, token: string): number | null {
    const bye = JSON.parse(frame.data) as { reason: ByeReason; retry_ms?: number }
    if (bye.reason === 'token_expired' || bye.reason === 'revoked') {
      this.dependencies.distrust(token)
      return 0
    }
    return bye.retry_ms ?? null
  }

  #url(): string {
    return this.#cursor === null
      ? '/api/v1/stream'
      : `/api/v1/stream?${new URLSearchParams({ cursor: this.#cursor })}`
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      const wake = done.bind(this)
      this.#wake = wake
      function done(): void {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #set(state: StreamState): void {
    if (state === this.#state) return
    this.#state = state
    this.handlers.onState(state)
  }
}

function retryAfterMs(response: Response): number | null {
  // 401: a fresh token is fetched before the next attempt, so go at once.
  if (response.status === 401) return 250
  const header = Number(response.headers.get('retry-after') ?? Number.NaN)
  return Number.isFinite(header) ? header * 1000 : null
}
