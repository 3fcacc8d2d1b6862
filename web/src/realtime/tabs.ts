/**
 * One stream for all tabs of a browser. The tab that holds a Web Lock leads: it has the connection and tells the others
 * what comes. When it closes, the browser gives the lock to the next, which goes on from the last position told.
 *
 * Nothing may fall between a tab's snapshot and what it is told. A tab asks for the leader *before* it asks for its
 * snapshot: a leader that answers was live before that, so whatever the snapshot lacks will be told ("covered").
 * A tab whose leader is heard of only later cannot know that, and reads its snapshot again (`onDoubt`).
 *
 * Without Web Locks (plain HTTP from another machine) every tab has a stream of its own.
 */
import type { Envelope, Hello, Presence, ResetReason, RunSign, Typing } from '@/api/events'
import { uuidv7 } from '@/api/ids'

import { Stopwatch } from './stopwatch'
import type { StreamDependencies, StreamHandlers, StreamState } from './stream'
import { DEAD_AFTER_MS, STALE_AFTER_MS, StreamClient } from './stream'

/** How long a new tab waits for the leader's answer before it goes on without. */
const WELCOME_MS = 500
/** How often a leader says that it is there, and a tab that knows of none asks for it, even if nothing happens. */
const ALIVE_MS = 15_000
const WATCH_MS = 5_000

/** `lead`: somebody leads from now on; `fresh`: not from where the one before stopped. */
type Message =
  | { kind: 'join'; from: string }
  | { kind: 'welcome'; to: string; cursor: string | null; state: StreamState; hello: Hello | null }
  | { kind: 'lead'; cursor: string | null; fresh: boolean }
  | { kind: 'alive' }
  | { kind: 'retry' }
  | { kind: 'check' }
  | { kind: 'state'; state: StreamState }
  | { kind: 'hello'; hello: Hello }
  | { kind: 'event'; event: Envelope }
  | { kind: 'typing'; typing: Typing }
  | { kind: 'run'; sign: RunSign }
  | { kind: 'presence'; presence: Presence }
  | { kind: 'reset'; reason: ResetReason }
  | { kind: 'position'; cursor: string }

export interface TabsDependencies extends StreamDependencies {
  /** Null where the browser has none. */
  locks: LockManager | null
  channel(name: string): BroadcastChannel
  /** Whose stream it is: tabs of different people share nothing. */
  person(): string
}

export interface TabsHandlers extends StreamHandlers {
  /** Something may have fallen between the snapshot and the stream: read the snapshot again. */
  onDoubt(): void
}

export class TabsStream {
  readonly #id = uuidv7()
  readonly #own: StreamClient
  #channel: BroadcastChannel | null = null
  #name = ''
  #state: StreamState = 'stopped'
  #prepared: Promise<void> | null = null
  #started = false
  #leading = false
  /** Counts the requests for the lock; what an earlier one still says is passed over. */
  #candidacy = 0
  #withdraw = new AbortController()
  #release: (() => void) | null = null
  /** All that comes before it is known here or stands in the snapshot. */
  #cursor: string | null = null
  /** The cursor was told by a leader, so every other tab that it told knows as much. */
  #inherited = false
  #covered = false
  #welcome: (() => void) | null = null
  /** What the leader said last of its connection. */
  #hello: Hello | null = null
  #told: StreamState = 'connecting'
  #heard = new Stopwatch()
  #hidden: Stopwatch | null = null
  #timers: ReturnType<typeof setInterval>[] = []

  constructor(
    private readonly dependencies: TabsDependencies,
    private readonly handlers: TabsHandlers,
  ) {
    this.#own = new StreamClient(dependencies, {
      onState: (state) => this.#onOwnState(state),
      onHello: (hello) => this.#tell({ kind: 'hello', hello }),
      onEvent: (event) => this.#tell({ kind: 'event', event }),
      onTyping: (typing) => this.#tell({ kind: 'typing', typing }),
      onRunSign: (sign) => this.#tell({ kind: 'run', sign }),
      onPresence: (presence) => this.#tell({ kind: 'presence', presence }),
      onReset: (reason) => this.#tell({ kind: 'reset', reason }),
      onPosition: (cursor) => this.#tell({ kind: 'position', cursor }),
    })
  }

  get state(): StreamState {
    return this.#state
  }

  get running(): boolean {
    return this.#started
  }

  get leading(): boolean {
    return this.#leading
  }

  /** To be awaited before a snapshot is asked for. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#join()
    return this.#prepared
  }

  async #join(): Promise<void> {
    const { locks } = this.dependencies
    if (locks === null) return
    this.#name = `tertulia.stream.${this.dependencies.person()}`
    this.#channel = this.dependencies.channel(this.#name)
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#onMessage(data))
    const { held = [] } = await locks.query()
    if (!held.some((lock) => lock.name === this.#name)) return
    const welcomed = new Promise<void>((resolve) => (this.#welcome = resolve))
    this.#post({ kind: 'join', from: this.#id })
    const patience = setTimeout(() => this.#welcome?.(), WELCOME_MS)
    await welcomed
    clearTimeout(patience)
    this.#welcome = null
  }

  /** Goes on from `cursor`, the snapshot's, unless a leader has told a position before the snapshot was taken. */
  start(cursor: string | null): void {
    if (!this.#covered) this.#cursor = cursor
    this.#started = true
    this.#set('connecting')
    if (this.#channel === null) return void this.#lead(this.#candidacy)
    document.addEventListener('visibilitychange', this.#onVisible)
    this.#timers = [setInterval(() => this.#beat(), ALIVE_MS), setInterval(() => this.#watch(), WATCH_MS)]
    this.#heard = new Stopwatch()
    if (this.#covered) this.#introduce()
    this.#stand({ signal: this.#withdraw.signal })
  }

  stop(): void {
    this.#candidacy++
    this.#withdraw.abort()
    this.#withdraw = new AbortController()
    this.#resign()
    document.removeEventListener('visibilitychange', this.#onVisible)
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
    this.#channel?.close()
    this.#channel = this.#prepared = null
    this.#started = false
    this.#cursor = null
    this.#hello = null
    this.#told = 'connecting'
    this.#covered = this.#inherited = false
    this.#set('stopped')
  }

  /** Ends the wait before the next attempt; a live connection is left alone. */
  retryNow = (): void => {
    if (this.#leading) this.#own.retryNow()
    else this.#post({ kind: 'retry' })
  }

  // The lock.

  #stand(how: LockOptions): void {
    const candidacy = ++this.#candidacy
    this.dependencies.locks?.request(this.#name, how, () => this.#lead(candidacy)).catch(() => this.#deposed(candidacy))
  }

  /** Holds the lock as long as the promise is open. */
  #lead(candidacy: number): Promise<void> {
    if (candidacy !== this.#candidacy) return Promise.resolve()
    this.#leading = true
    this.#post({ kind: 'lead', cursor: this.#cursor, fresh: !this.#inherited })
    return new Promise((resolve) => {
      this.#release = resolve
      this.#own.start(this.#cursor)
    })
  }

  /** Another tab took the lock, because this one seemed to be frozen: what it was told meanwhile is uncertain. */
  #deposed(candidacy: number): void {
    if (candidacy !== this.#candidacy) return
    if (!this.#leading) {
      // The browser has locks and gives none (a page of its own kind): a stream of one's own is better than none.
      void this.#lead(candidacy)
      return
    }
    this.#resign()
    this.#set('connecting')
    this.#covered = false
    this.#heard = new Stopwatch()
    this.#post({ kind: 'join', from: this.#id })
    this.#stand({ signal: this.#withdraw.signal })
  }

  #resign(): void {
    this.#leading = false
    this.#own.stop()
    this.#release?.()
    this.#release = null
  }

  /** A leader of which nothing is heard is frozen by the browser: a tab that is looked at does not wait for it. */
  #watch(): void {
    if (this.#leading || document.visibilityState !== 'visible' || this.#heard.ms < DEAD_AFTER_MS) return
    this.#withdraw.abort()
    this.#withdraw = new AbortController()
    this.#stand({ steal: true })
  }

  #beat(): void {
    if (this.#leading) this.#post({ kind: 'alive' })
    else if (!this.#covered) this.#post({ kind: 'join', from: this.#id })
  }

  #onVisible = (): void => {
    if (document.visibilityState !== 'visible') this.#hidden = new Stopwatch()
    else if (!this.#leading && (this.#hidden?.ms ?? 0) > STALE_AFTER_MS) this.#post({ kind: 'check' })
  }

  // What the own connection brings.

  #onOwnState(state: StreamState): void {
    if (!this.#leading) return
    this.#post({ kind: 'state', state })
    // The session is over for this tab; another one may find out for itself.
    if (state === 'stopped') this.stop()
    else this.#set(state)
  }

  #tell(message: Message): void {
    this.#relay(message)
    this.#post(message)
  }

  // What the leader tells.

  #onMessage(message: Message): void {
    if (this.#leading) return this.#answer(message)
    if (message.kind === 'join' || message.kind === 'retry' || message.kind === 'check') return
    this.#heard = new Stopwatch()
    if (message.kind === 'welcome') {
      if (message.to === this.#id) this.#onWelcome(message)
    } else if (message.kind === 'lead') this.#onLead(message.cursor, message.fresh)
    else this.#relay(message)
  }

  #answer(message: Message): void {
    if (message.kind === 'join') {
      const { cursor, state, hello } = { cursor: this.#cursor, state: this.#state, hello: this.#hello }
      this.#post({ kind: 'welcome', to: message.from, cursor, state, hello })
    } else if (message.kind === 'retry') this.#own.retryNow()
    else if (message.kind === 'check') {
      if (this.#own.silenceMs > STALE_AFTER_MS) this.#own.renew()
      else this.#own.retryNow()
    }
  }

  #onWelcome({ cursor, state, hello }: Extract<Message, { kind: 'welcome' }>): void {
    this.#hello = hello
    this.#told = state
    this.#onLead(cursor, false, this.#welcome !== null)
    if (this.#started) this.#introduce()
    this.#welcome?.()
  }

  /** For this tab it is the beginning, whatever it was for the leader: the snapshot is its own. */
  #introduce(): void {
    this.#follow(this.#told)
    if (this.#hello !== null && this.#told === 'live') this.handlers.onHello({ ...this.#hello, resumed: true })
  }

  #onLead(cursor: string | null, fresh: boolean, early = false): void {
    const doubtful = fresh || (!this.#covered && !early)
    this.#cursor = cursor
    this.#covered = this.#inherited = true
    if (doubtful) this.handlers.onDoubt()
  }

  #relay(message: Message): void {
    switch (message.kind) {
      case 'state':
        return this.#follow(message.state)
      case 'hello':
        this.#hello = message.hello
        return this.handlers.onHello(message.hello)
      case 'event':
        return this.handlers.onEvent(message.event)
      case 'typing':
        return this.handlers.onTyping(message.typing)
      case 'run':
        return this.handlers.onRunSign(message.sign)
      case 'presence':
        return this.handlers.onPresence?.(message.presence)
      case 'reset':
        return this.handlers.onReset(message.reason)
      case 'position':
        // Of a leader that may not know what this tab lacks, it is no position.
        if (this.#leading || this.#covered) {
          this.#cursor = message.cursor
          this.#inherited = true
        }
        return
      default:
    }
  }

  /** A leader that stopped will be followed by another. */
  #follow(state: StreamState): void {
    this.#told = state === 'stopped' ? 'connecting' : state
    if (this.#started) this.#set(this.#told)
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message)
  }

  #set(state: StreamState): void {
    if (state === this.#state) return
    this.#state = state
    this.handlers.onState(state)
  }
}
