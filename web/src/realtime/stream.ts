/**
 * The event stream: one fetch-based SSE connection that keeps itself alive.
 *
 * It owns the cursor (the last SSE id), reconnects with full-jitter back-off, counts 45 s without a byte as dead,
 * tries again at once when the machine comes back, and follows the server's `bye`. What events mean is not its business.
 * clients/conformance says what is expected of it, and `conformance.test.ts` tries that.
 */
import type { ByeReason, Envelope, Hello, Presence, ResetReason, RunSign, Typing } from '@/api/events'
import { Problem } from '@/api/problem'

import { fullJitter } from './backoff'
import type { Frame } from './sse'
import { SseParser } from './sse'
import { Stopwatch } from './stopwatch'

export const DEAD_AFTER_MS = 45_000
/** A page that was hidden for longer than this does not trust its connection: the machine may have slept. */
export const STALE_AFTER_MS = 30_000
/** A connection that lived this long was a good one: the next failure starts with the shortest wait again. */
const STEADY_MS = 10_000
/** How often the silence is measured, at the latest: a timer alone may be late by as long as the machine slept. */
const WATCH_MS = 5_000

export type StreamState = 'stopped' | 'connecting' | 'live' | 'waiting'

export interface StreamHandlers {
  onState(state: StreamState): void
  onHello(hello: Hello): void
  onEvent(event: Envelope): void
  onTyping(typing: Typing): void
  onRunSign(sign: RunSign): void
  onPresence?(presence: Presence): void
  onReset(reason: ResetReason): void
  /** All that comes before this position has been handed on. */
  onPosition?(cursor: string): void
}

export interface StreamDependencies {
  fetch: typeof fetch
  /** A live access token; throws a Problem with status 401 when the session is over. */
  token(): Promise<string>
  /** The server says this token is spent. */
  distrust(token: string): void
  random(): number
  /** Nobody has used this device for minutes. */
  idle?(): boolean
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
  /** The next wait is passed over. */
  #atOnce = false
  #silence = new Stopwatch()
  #hidden: Stopwatch | null = null
  #connectedAt = 0
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

  /** How long no byte has come on this connection. */
  get silenceMs(): number {
    return this.#silence.ms
  }

  /** Starts from `cursor` (from bootstrap). Without one the stream begins live and says `resumed: false`. */
  start(cursor: string | null): void {
    this.stop()
    this.#cursor = cursor
    this.#attempt = 0
    addEventListener('online', this.renew)
    document.addEventListener('visibilitychange', this.#onVisible)
    void this.#run(++this.#generation)
  }

  stop(): void {
    this.#generation++
    removeEventListener('online', this.renew)
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

  /** What is open may be dead without a word: come back at once. Resuming costs one request. */
  renew = (): void => {
    this.#atOnce = true
    this.#abort?.abort()
    this.retryNow()
  }

  #onVisible = (): void => {
    if (document.visibilityState !== 'visible') {
      this.#hidden = new Stopwatch()
      return
    }
    const stale = this.#hidden !== null && this.#hidden.ms > STALE_AFTER_MS
    this.#hidden = null
    if (stale) this.renew()
    else this.retryNow()
  }

  async #run(generation: number): Promise<void> {
    while (generation === this.#generation) {
      this.#set('connecting')
      const ending = await this.#connect(generation)
      if (generation !== this.#generation || ending === 'over') break
      const wait = this.#atOnce ? 0 : (ending.waitMs ?? this.#backOff())
      this.#set('waiting')
      await this.#sleep(wait)
    }
    if (generation === this.#generation) this.#set('stopped')
  }

  #backOff(): number {
    return fullJitter(this.#attempt++, () => this.dependencies.random())
  }

  async #connect(generation: number): Promise<Ending | 'over'> {
    const abort = new AbortController()
    this.#abort = abort
    this.#atOnce = false
    this.#silence = new Stopwatch()
    const unwatch = this.#watch(abort)
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
        void response.body?.cancel()
        return { waitMs: this.#waitAfter(response) }
      }
      this.#connectedAt = performance.now()
      return await this.#read(response.body, token)
    } catch (error) {
      return error instanceof Problem && error.status === 401 ? 'over' : { waitMs: null }
    } finally {
      unwatch()
      abort.abort()
      if (this.#state === 'live' && performance.now() - this.#connectedAt >= STEADY_MS) this.#attempt = 0
    }
  }

  /** Aborts when no byte has come for too long. Answers how to stop watching. */
  #watch(abort: AbortController): () => void {
    let timer: ReturnType<typeof setTimeout>
    const look = (): void => {
      const left = DEAD_AFTER_MS - this.#silence.ms
      if (left <= 0) abort.abort()
      else timer = setTimeout(look, Math.min(left, WATCH_MS))
    }
    look()
    return () => clearTimeout(timer)
  }

  /** How long to wait after a refusal; null: by back-off. */
  #waitAfter(response: Response): number | null {
    // A fresh token is fetched first, so go at once; but a server that refuses fresh ones must not be asked in a loop.
    if (response.status === 401) {
      if (this.#attempt > 0) return null
      this.#attempt = 1
      return 0
    }
    const asked = Number(response.headers.get('retry-after') ?? Number.NaN)
    // Everybody was told the same second.
    return Number.isFinite(asked) ? asked * 1000 + fullJitter(0, () => this.dependencies.random()) : null
  }

  async #read(body: ReadableStream<Uint8Array>, token: string): Promise<Ending> {
    const ending: Ending = { waitMs: null }
    let bye = false
    const parser = new SseParser({
      onFrame: (frame) => {
        if (bye) return
        if (frame.event === 'bye' && frame.data !== null) {
          bye = true
          ending.waitMs = this.#onBye(frame.data, token)
        } else this.#onFrame(frame)
      },
      onRetry: () => undefined,
    })
    const reader = body.getReader()
    const decoder = new TextDecoder()
    while (!bye) {
      const { done, value } = await reader.read()
      if (done) break
      this.#silence = new Stopwatch()
      parser.push(decoder.decode(value, { stream: true }))
    }
    return ending
  }

  #onFrame({ event, data, id }: Frame): void {
    if (data !== null) this.#onData(event, data, id)
    // What was handed on counts as seen only now, so that a throw in between repeats it. An empty id is none.
    if (id !== null && id !== '') this.#goOnFrom(id)
  }

  #onData(event: string, data: string, id: string | null): void {
    if (event === 'hello') this.#onHello(JSON.parse(data) as Hello)
    else if (event === 'reset') {
      const reset = JSON.parse(data) as { reason: ResetReason; cursor: string }
      this.#goOnFrom(reset.cursor)
      this.handlers.onReset(reset.reason)
    } else if (event === 'typing') this.handlers.onTyping(JSON.parse(data) as Typing)
    else if (event === 'presence') this.handlers.onPresence?.(JSON.parse(data) as Presence)
    else if (event === 'run.delta' || event === 'run.step') this.handlers.onRunSign(JSON.parse(data) as RunSign)
    // Only facts carry an id; anything else without a name that we know is a sign of the moment.
    else if (id !== null) this.handlers.onEvent(JSON.parse(data) as Envelope)
  }

  #onHello(hello: Hello): void {
    this.#set('live')
    // When resumed, what was missed is still to come, so the position stays where it is until it has come.
    if (!hello.resumed) this.#goOnFrom(hello.cursor)
    this.handlers.onHello(hello)
  }

  #goOnFrom(cursor: string): void {
    this.#cursor = cursor
    this.handlers.onPosition?.(cursor)
  }

  /** An orderly end is no failure: the server says when, and the wait after a later one starts small. */
  #onBye(data: string, token: string): number | null {
    const bye = JSON.parse(data) as { reason: ByeReason; retry_ms?: number }
    if (bye.reason === 'token_expired' || bye.reason === 'revoked') this.dependencies.distrust(token)
    this.#attempt = 0
    return bye.reason === 'revoked' ? 0 : (bye.retry_ms ?? null)
  }

  #url(): string {
    const query = new URLSearchParams({
      ...(this.#cursor === null ? {} : { cursor: this.#cursor }),
      ...(this.dependencies.idle?.() ? { active: 'false' } : {}),
    }).toString()
    return query === '' ? '/api/v1/stream' : `/api/v1/stream?${query}`
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
