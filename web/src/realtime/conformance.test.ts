/**
 * The page's client against clients/conformance: the scripts that every client of the stream must pass.
 * The whole of it runs (session, tabs, stream, sync, store) over a `fetch` that follows a script, once in a tab that has
 * the connection and once in a tab that is told by another; the clock is a false one.
 */
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Envelope } from '@/api/events'
import { distrust, freshToken, openSession } from '@/api/session'
import { useEntities } from '@/entities/store'
import { EMPTY } from '@/entities/timeline'
import { Air, FakeChannel, Locks } from '@/testing/browser'
import { session } from '@/testing/fixtures'

import worldParts from '../../../clients/conformance/world.json'
import { Sync } from './sync'
import type { TabsDependencies, TabsHandlers } from './tabs'
import { TabsStream } from './tabs'

type Refusal = 'cut' | { status: number; code: string; headers?: Record<string, string> }

interface Connect {
  position?: string
  token?: string
  after_ms?: [number, number]
  answer?: 'nothing' | Refusal
}

interface Expectation {
  events?: string[]
  includes?: string[]
  lost?: string[]
  snapshots?: number
  asked?: Record<string, string[]>
  ended?: boolean
  within_ms?: number
}

/** One verb each. */
interface Step {
  connect?: Connect
  send?: string[]
  newline?: string
  bytewise?: boolean
  close?: true
  cut?: true
  log?: Record<string, number>
  answer?: Record<string, Refusal[]>
  quiet_ms?: number
  expect?: Expectation
  page?: 'online' | 'hidden' | 'visible'
}

interface Case {
  name: string
  needs?: string[]
  jitter?: number
  page?: number
  log?: Record<string, number>
  steps: Step[]
}

const files = import.meta.glob<Case[]>(['../../../clients/conformance/*.json', '!**/world.json'], {
  eager: true,
  import: 'default',
})
const ABILITIES = new Set(['page'])
/** After this time a connection that a script waits for will not come. */
const PATIENCE_MS = 200_000

/** `A12` is the event with `ch_seq` 12 of channel A. */
const split = (name: string): [string, number] => [name.slice(0, 1), Number(name.slice(1))]

function part(name: keyof typeof worldParts, values: Record<string, string | number> = {}): unknown {
  let text = JSON.stringify(worldParts[name])
  for (const [key, value] of Object.entries(values)) {
    if (typeof value === 'number') text = text.replaceAll(`"$${key}"`, String(value))
    text = text.replaceAll(`$${key}`, String(value))
  }
  return JSON.parse(text) as unknown
}

function eventOf(name: string, type = 'message.created'): unknown {
  const [channel, seq] = split(name)
  return part('event', { NAME: name, TYPE: type, CHANNEL: channel, SEQ: seq })
}

const expand = (text: string): string =>
  text.replaceAll(/\$\{([^}]*)\}/g, (_, inner: string) => macro(...(inner.split(' ') as [string, ...string[]])))

function macro(name: string, ...[first = '', second = '']: string[]): string {
  const frame = (event: string, data: unknown) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  const event = () => (second === '' ? eventOf(first) : eventOf(first, second))
  switch (name) {
    case 'json':
      return JSON.stringify(event())
    case 'lines':
      return JSON.stringify(event(), null, 1).split('\n').map((line) => `data: ${line}`).join('\n')
    case 'hello':
    case 'fresh':
      return frame('hello', { resumed: name === 'hello', cursor: first, server: 's1', rotate_s: 600 })
    case 'reset':
      return frame('reset', { reason: first, cursor: second })
    case 'bye':
      return frame('bye', { reason: first, retry_ms: Number(second) })
    default:
      return `id: p.${name}\n${frame('message.created', eventOf(name))}`
  }
}

interface Arrival {
  position: string | null
  token: string
  at: number
  signal: AbortSignal | null
  answer(response: Response | Promise<Response>): void
}

/** Answers by the log; the stream, and what a script plans, by the script. */
class ScriptedServer {
  readonly log: Record<string, number>
  readonly planned = new Map<string, Refusal[]>()
  asked: Record<string, string[]> = {}
  snapshots = 0
  readonly arrivals: Arrival[] = []
  #tokens = 1

  constructor(private readonly script: Case) {
    this.log = { A: 0, B: 0, ...script.log }
  }

  fetch = (address: string, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(address, 'http://x')
    const path = url.pathname.replace('/api/v1', '')
    if (path === '/stream') return this.#stream(url, init)
    const key = `${init.method ?? 'GET'} ${path}`
    const after = url.searchParams.get('after')
    const asked = (this.asked[key] ??= [])
    asked.push(after === null ? '' : `after=${after}`)
    const refused = this.planned.get(key)?.shift()
    return refused === undefined ? Promise.resolve(Response.json(this.#answer(key, Number(after)))) : refusal(refused)
  }

  #stream(url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers)
    return new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
      this.arrivals.push({
        position: headers.get('Last-Event-ID') ?? url.searchParams.get('cursor'),
        token: (headers.get('Authorization') ?? '').replace('Bearer ', ''),
        at: performance.now(),
        signal: init.signal ?? null,
        answer: resolve,
      })
    })
  }

  #answer(key: string, after: number): unknown {
    const [, what, id = '', more] = key.split('/')
    if (what === 'auth') return session({ access_token: `t${++this.#tokens}` })
    if (what === 'channels' && more === undefined) {
      return part('channel', { CHANNEL: id, SEQ: this.log[id] ?? 0 })
    }
    if (what === 'channels') return this.#events(id, after)
    if (what === 'users') return { ...(part('me') as object), id }
    if (key !== 'GET /workspaces/w/bootstrap') throw new Error(`the client asked for ${key}, which no script needs`)
    this.snapshots++
    return {
      cursor: 'c0', me: part('me'), workspace: part('workspace'), role: 'member', members: [], former: [],
      channels: Object.entries(this.log).map(([CHANNEL, SEQ]) => part('channel', { CHANNEL, SEQ })),
      server_time: '2026-11-21T04:00:00.123Z', sidebar: { version: 0, sections: [] },
    }
  }

  #events(channel: string, after: number): unknown {
    const last = this.log[channel] ?? 0
    const upTo = Math.min(last, after + (this.script.page ?? 50))
    const items = Array.from({ length: Math.max(0, upTo - after) }, (_, n) => eventOf(`${channel}${after + 1 + n}`))
    return { items, last_seq: last, has_more: upTo < last }
  }
}

function refusal(answer: Refusal): Promise<Response> {
  if (answer === 'cut') return Promise.reject(new TypeError('network error'))
  const { status, code, headers = {} } = answer
  return Promise.resolve(Response.json({ title: code, status, code }, { status, headers }))
}

const NOTHING: TabsHandlers = {
  onState: () => undefined,
  onHello: () => undefined,
  onEvent: () => undefined,
  onTyping: () => undefined,
  onRunSign: () => undefined,
  onReset: () => undefined,
  onDoubt: () => undefined,
}

/** The client as the page puts it together. */
class Observed {
  events: string[] = []
  readonly stream: TabsStream
  readonly sync: Sync
  readonly store = useEntities()

  constructor(dependencies: TabsDependencies) {
    this.sync = new Sync(this.store, {
      onCursor: (cursor) => this.stream.start(cursor),
      onApplied: (event) => this.#note(event),
    })
    this.stream = new TabsStream(dependencies, {
      ...NOTHING,
      onHello: (hello) => this.sync.onHello(hello),
      onEvent: (event) => this.sync.onEvent(event),
      onReset: () => this.sync.refetch(),
      onDoubt: () => this.sync.refetch(),
    })
  }

  async open(): Promise<void> {
    await this.stream.prepare()
    await this.sync.openWorkspace('w')
    for (const id of this.store.channels.keys()) this.store.timelines.set(id, EMPTY)
  }

  #note(event: Envelope): void {
    if (event.type === 'message.created') expect(event.data.message.text).toBe(`${event.id} grüßt 🦉`)
    this.events.push(event.id)
  }

  /** Channels whose history was dropped, because it can no longer be continued. */
  get lost(): string[] {
    return ['A', 'B'].filter((id) => !this.store.timelines.has(id))
  }
}

/** Performs the steps. */
class Script {
  #body: ReadableStreamDefaultController<Uint8Array> | null = null
  #lastDeed = 0

  constructor(
    private readonly server: ScriptedServer,
    private readonly client: Observed,
  ) {}

  async run(steps: Step[]): Promise<void> {
    for (const step of steps) {
      await this.#perform(step)
      await settled()
    }
    expect(this.server.arrivals, 'the client connected once more than the script says').toEqual([])
  }

  async #perform(step: Step): Promise<void> {
    if (step.connect) await this.#connect(step.connect)
    else if (step.send) await this.#send(step.send, step)
    else if (step.expect) await this.#expect(step.expect)
    else if (step.quiet_ms !== undefined) await this.#quiet(step.quiet_ms)
    else if (step.log) Object.assign(this.server.log, step.log)
    else if (step.answer) this.#plan(step.answer)
    else this.#end(step)
  }

  #end(step: Step): void {
    if (step.close) this.#body?.close()
    else if (step.cut) this.#body?.error(new TypeError('network error'))
    else if (step.page === 'online') dispatchEvent(new Event('online'))
    else {
      vi.spyOn(document, 'visibilityState', 'get').mockReturnValue(step.page === 'hidden' ? 'hidden' : 'visible')
      document.dispatchEvent(new Event('visibilitychange'))
    }
    this.#lastDeed = performance.now()
  }

  #plan(answers: Record<string, Refusal[]>): void {
    for (const [key, planned] of Object.entries(answers)) {
      this.server.planned.set(key, [...(this.server.planned.get(key) ?? []), ...planned])
    }
  }

  async #connect(expected: Connect): Promise<void> {
    const arrival = await this.#arrival()
    if (expected.position !== undefined) expect(arrival.position).toBe(expected.position)
    if (expected.token !== undefined) expect(arrival.token).toBe(expected.token)
    if (expected.after_ms !== undefined) {
      const [least, most] = expected.after_ms
      expect(arrival.at - this.#lastDeed).toBeGreaterThanOrEqual(least - 1)
      expect(arrival.at - this.#lastDeed).toBeLessThanOrEqual(most)
    }
    if (expected.answer === undefined) arrival.answer(this.#open(arrival.signal))
    else if (expected.answer !== 'nothing') arrival.answer(refusal(expected.answer))
    this.#lastDeed = performance.now()
  }

  async #arrival(): Promise<Arrival> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const arrival = this.server.arrivals.shift()
      if (arrival !== undefined) return arrival
      if (performance.now() >= deadline) throw new Error('the client did not connect')
      await vi.advanceTimersByTimeAsync(10)
    }
  }

  #open(signal: AbortSignal | null): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#body = controller
        signal?.addEventListener('abort', () => {
          if (this.#body === controller) this.#body = null
          try {
            controller.error(new DOMException('aborted', 'AbortError'))
          } catch {
            // Ended before.
          }
        })
      },
    })
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
  }

  async #send(texts: string[], { newline = '\n', bytewise = false }: Step): Promise<void> {
    for (const text of texts) {
      for (const [, name = ''] of text.matchAll(/\$\{(?:json |lines )?([A-Z]\d+)/g)) {
        const [channel, seq] = split(name)
        this.server.log[channel] = Math.max(this.server.log[channel] ?? 0, seq)
      }
      const chunk = new TextEncoder().encode(expand(text).replaceAll('\n', newline))
      const pieces = bytewise ? Array.from(chunk, (byte) => Uint8Array.of(byte)) : [chunk]
      for (const piece of pieces) {
        // After a good-bye the client is gone.
        this.#body?.enqueue(piece)
        await settled()
      }
    }
    this.#lastDeed = performance.now()
  }

  async #quiet(span: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(span)
    expect(this.server.arrivals, 'the client connected in a time in which it must not').toEqual([])
  }

  async #expect(expected: Expectation): Promise<void> {
    const deadline = performance.now() + (expected.within_ms ?? 10_000)
    while (!this.#isMet(expected) && performance.now() < deadline) await vi.advanceTimersByTimeAsync(1)
    await settled()
    const { client, server } = this
    if (expected.events) expect(byChannel(client.events)).toEqual(byChannel(expected.events))
    if (expected.includes) expect(client.events).toEqual(expect.arrayContaining(expected.includes))
    if (expected.lost) expect(client.lost).toEqual(expected.lost)
    if (expected.snapshots !== undefined) expect(server.snapshots).toBe(expected.snapshots)
    if (expected.ended) expect(client.stream.state).toBe('stopped')
    for (const [key, queries] of Object.entries(expected.asked ?? {})) expect(server.asked[key] ?? []).toEqual(queries)
    client.events = []
    server.asked = {}
    server.snapshots = 0
  }

  #isMet({ events = [], includes = [], lost = [], ended = false, snapshots = 0 }: Expectation): boolean {
    return (
      this.server.snapshots >= snapshots &&
      this.client.events.length >= events.length &&
      includes.every((name) => this.client.events.includes(name)) &&
      lost.every((id) => this.client.lost.includes(id)) &&
      (!ended || this.client.stream.state === 'stopped')
    )
  }
}

/** Whatever needs no time has happened. */
const settled = () => vi.advanceTimersByTimeAsync(0)

function byChannel(names: string[]): Record<string, string[]> {
  const channels: Record<string, string[]> = {}
  for (const name of names) (channels[name.slice(0, 1)] ??= []).push(name)
  return channels
}

let opened: TabsStream[] = []

beforeEach(() => {
  vi.useFakeTimers()
  setActivePinia(createPinia())
})

afterEach(() => {
  for (const stream of opened) stream.stop()
  opened = []
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

async function play(script: Case, listening: boolean): Promise<void> {
  const random = () => script.jitter ?? 0.5
  const server = new ScriptedServer(script)
  vi.spyOn(Math, 'random').mockImplementation(random)
  vi.stubGlobal('fetch', server.fetch)
  openSession(session({ access_token: 't1' }))
  const air = new Air()
  const dependencies: TabsDependencies = {
    fetch: server.fetch as typeof fetch,
    token: freshToken,
    distrust,
    random,
    locks: new Locks() as unknown as LockManager,
    channel: (name) => new FakeChannel(air, name) as unknown as BroadcastChannel,
    person: () => 'ana',
  }
  if (listening) await lead(dependencies)
  const client = new Observed(dependencies)
  opened.push(client.stream)
  await client.open()
  expect(client.stream.leading).toBe(!listening)
  await new Script(server, client).run(script.steps)
}

/** Another tab that is there already, and has the connection. */
async function lead(dependencies: TabsDependencies): Promise<void> {
  const leader = new TabsStream(dependencies, NOTHING)
  opened.push(leader)
  await leader.prepare()
  leader.start('c0')
}

for (const [path, cases] of Object.entries(files)) {
  for (const listening of [false, true]) {
    describe(`${path.replace(/^.*\/|\.json$/g, '')}, ${listening ? 'told by another tab' : 'connected itself'}`, () => {
      for (const script of cases) {
        const possible = (script.needs ?? []).every((need) => ABILITIES.has(need))
        it.skipIf(!possible)(script.name, () => play(script, listening))
      }
    })
  }
}
