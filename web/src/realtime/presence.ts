/**
 * Tells the server whom this browser looks at and whether anybody uses it; what it answers comes over the stream.
 *
 * A list goes with its connection, which one tab has for all of them: each tab tells the others whom it shows, and the tab
 * that leads sends the sum. Input in any tab is input of the device.
 */
import type { Envelope, Hello } from '@/api/events'
import { uuidv7 } from '@/api/ids'
import { MOST_WATCHED } from '@/api/people'
import { Problem } from '@/api/problem'

import { fullJitter } from './backoff'

/** Without a key or a touch for so long, the device is idle. */
export const IDLE_AFTER_MS = 5 * 60_000
const LOOK_MS = 10_000
/** Lists that change while a page is painted are sent once. */
const SETTLE_MS = 200
/** How often tabs tell each other of input, at most. */
const INPUT_MS = 5_000
const INPUTS = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart'] as const

type Message = { kind: 'ask' } | { kind: 'shows'; tab: string; people: readonly string[] } | { kind: 'input' }

export interface PresenceDependencies {
  /** The people on this tab's screen. */
  watched(): readonly string[]
  /** This tab has the connection. */
  leads(): boolean
  channel(): BroadcastChannel
  watch(connection: string, people: readonly string[]): Promise<unknown>
  setActive(connection: string, active: boolean): Promise<unknown>
}

export class PresenceWatch {
  readonly #tab = uuidv7()
  readonly #others = new Map<string, readonly string[]>()
  #channel: BroadcastChannel | null = null
  #connection: string | null = null
  /** What the connection was told last; null: nothing yet. */
  #told: string | null = null
  #toldIdle = false
  #usedAt = Date.now()
  #sharedAt = 0
  #settling: ReturnType<typeof setTimeout> | undefined
  #looking: ReturnType<typeof setInterval> | undefined

  constructor(private readonly dependencies: PresenceDependencies) {}

  get idle(): boolean {
    return Date.now() - this.#usedAt >= IDLE_AFTER_MS
  }

  start(): void {
    if (this.#channel !== null) return
    this.#channel = this.dependencies.channel()
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#onMessage(data))
    for (const type of INPUTS) addEventListener(type, this.#onInput, { passive: true, capture: true })
    document.addEventListener('visibilitychange', this.#onVisible)
    addEventListener('pagehide', this.#onLeave)
    this.#looking = setInterval(() => void this.#sayActivity(), LOOK_MS)
    this.#post({ kind: 'ask' })
    this.onWatched()
  }

  stop(): void {
    this.#onLeave()
    this.#channel?.close()
    this.#channel = this.#connection = this.#told = null
    this.#others.clear()
    for (const type of INPUTS) removeEventListener(type, this.#onInput, { capture: true })
    document.removeEventListener('visibilitychange', this.#onVisible)
    removeEventListener('pagehide', this.#onLeave)
    clearInterval(this.#looking)
    clearTimeout(this.#settling)
  }

  onHello(hello: Hello): void {
    this.#connection = hello.connection
    this.#told = null
    this.#toldIdle = this.idle
    this.#settle()
  }

  /** The people on this tab's screen are others now. */
  onWatched(): void {
    this.#post({ kind: 'shows', tab: this.#tab, people: this.dependencies.watched() })
    this.#settle()
  }

  /** Whom I now share a channel with may be seen from now on, if I ask again. */
  onEvent(event: Envelope): void {
    if (event.type !== 'member.joined') return
    this.#told = null
    this.#settle()
  }

  #onMessage(message: Message): void {
    if (message.kind === 'ask') this.#post({ kind: 'shows', tab: this.#tab, people: this.dependencies.watched() })
    else if (message.kind === 'input') this.#used()
    else {
      if (message.people.length > 0) this.#others.set(message.tab, message.people)
      else this.#others.delete(message.tab)
      this.#settle()
    }
  }

  #settle(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => void this.#sayWatched(), SETTLE_MS)
  }

  async #sayWatched(): Promise<void> {
    const sum = new Set([...this.dependencies.watched(), ...[...this.#others.values()].flat()])
    const people = [...sum].slice(0, MOST_WATCHED).sort()
    const told = people.join()
    // A connection begins without a list.
    if (told === (this.#told ?? '')) return
    if (await this.#say((connection) => this.dependencies.watch(connection, people))) this.#told = told
  }

  async #sayActivity(): Promise<void> {
    const { idle } = this
    if (idle === this.#toldIdle) return
    if (await this.#say((connection) => this.dependencies.setActive(connection, !idle))) this.#toldIdle = idle
  }

  /** False when it could not be said, or need not be by this tab. A connection that is gone is followed by another. */
  async #say(request: (connection: string) => Promise<unknown>): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      const connection = this.#connection
      if (connection === null || !this.dependencies.leads()) return false
      try {
        await request(connection)
        return connection === this.#connection
      } catch (error) {
        if (!(error instanceof Problem) || !error.temporary) return false
        await new Promise((resolve) => setTimeout(resolve, 500 + fullJitter(attempt)))
      }
    }
  }

  #onInput = (): void => {
    const now = Date.now()
    if (now - this.#sharedAt >= INPUT_MS) {
      this.#sharedAt = now
      this.#post({ kind: 'input' })
    }
    this.#used()
  }

  #onVisible = (): void => {
    if (document.visibilityState === 'visible') this.#onInput()
  }

  #onLeave = (): void => this.#post({ kind: 'shows', tab: this.#tab, people: [] })

  #used(): void {
    this.#usedAt = Date.now()
    if (this.#toldIdle) void this.#sayActivity()
  }

  #post(message: Message): void {
    this.#channel?.postMessage(message)
  }
}
