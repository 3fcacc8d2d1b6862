import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Envelope } from '@/api/events'
import { Problem } from '@/api/problem'
import { Air, FakeChannel, Locks } from '@/testing/browser'

import type { StreamState } from './stream'
import { TabsStream } from './tabs'

/** Every connection is a stream that the test writes to. */
class Server {
  readonly connects: { tab: string; cursor: string | null; say(text: string): void; cut(): void }[] = []

  fetchOf = (tab: string): typeof fetch =>
    ((url: string, init: RequestInit) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          init.signal?.addEventListener('abort', () => {
            try {
              controller.error(new DOMException('aborted', 'AbortError'))
            } catch {
              // Ended before.
            }
          })
          this.connects.push({
            tab,
            cursor: new URL(url, 'http://x').searchParams.get('cursor'),
            say: (text) => controller.enqueue(new TextEncoder().encode(text)),
            cut: () => controller.error(new TypeError('network error')),
          })
        },
      })
      return Promise.resolve(new Response(body))
    }) as unknown as typeof fetch

  get last() {
    const last = this.connects.at(-1)
    if (last === undefined) throw new Error('nobody connected')
    return last
  }
}

const hello = (cursor: string, resumed = true) =>
  `event: hello\ndata: ${JSON.stringify({ resumed, cursor, server: 's', rotate_s: 600 })}\n\n`
const event = (id: string) => `id: p.${id}\nevent: message.created\ndata: {"type":"message.created","id":"${id}"}\n\n`

let server: Server
let locks: Locks
let air: Air
let sessionOver: Set<string>
let opened: Tab[]

class Tab {
  readonly stream: TabsStream
  readonly events: string[] = []
  readonly states: StreamState[] = []
  hellos: boolean[] = []
  doubts = 0
  channel: FakeChannel | null = null

  constructor(
    readonly name: string,
    shared = true,
    person = 'ana',
  ) {
    opened.push(this)
    this.stream = new TabsStream(
      {
        fetch: server.fetchOf(name),
        token: () => (sessionOver.has(name) ? Promise.reject(new Problem(401, 'unauthenticated', '')) : Promise.resolve('t')),
        distrust: () => undefined,
        random: () => 0,
        locks: shared ? (locks as unknown as LockManager) : null,
        channel: (channelName) => {
          this.channel = new FakeChannel(air, channelName)
          return this.channel as unknown as BroadcastChannel
        },
        person: () => person,
      },
      {
        onState: (state) => this.states.push(state),
        onHello: (value) => this.hellos.push(value.resumed),
        onEvent: (value: Envelope) => this.events.push(value.id),
        onTyping: () => undefined,
        onRunSign: () => undefined,
        onReset: () => undefined,
        onDoubt: () => this.doubts++,
      },
    )
  }

  /** As the page does: prepare, read the snapshot, start from its cursor. */
  async open(cursor: string): Promise<this> {
    const prepared = this.stream.prepare()
    await vi.advanceTimersByTimeAsync(600)
    await prepared
    this.stream.start(cursor)
    await settled()
    return this
  }

  freeze(): void {
    if (this.channel !== null) air.deaf.add(this.channel)
  }

  /** The browser ends the page: nothing of it runs any more. */
  close(): void {
    this.freeze()
    locks.closeHolder()
  }
}

const settled = () => vi.advanceTimersByTimeAsync(1)

async function say(text: string): Promise<void> {
  server.last.say(text)
  await settled()
}

beforeEach(() => {
  vi.useFakeTimers()
  server = new Server()
  locks = new Locks()
  air = new Air()
  sessionOver = new Set()
  opened = []
})

afterEach(() => {
  for (const tab of opened) tab.stream.stop()
  vi.useRealTimers()
  vi.restoreAllMocks()
})

async function two(): Promise<[Tab, Tab]> {
  const first = await new Tab('first').open('c1')
  await say(hello('c1'))
  return [first, await new Tab('second').open('c2')]
}

describe('two tabs', () => {
  it('have one connection, and both get what it brings', async () => {
    const [first, second] = await two()
    await say(event('e1') + event('e2'))
    expect(server.connects.map((connect) => connect.tab)).toEqual(['first'])
    expect([first.events, second.events]).toEqual([['e1', 'e2'], ['e1', 'e2']])
    expect([first.stream.leading, second.stream.leading]).toEqual([true, false])
    expect([first.stream.state, second.stream.state]).toEqual(['live', 'live'])
  })

  it('trust the snapshot of a tab that was welcomed before it asked for it', async () => {
    const [first, second] = await two()
    expect([first.doubts, second.doubts]).toEqual([0, 0])
    expect(second.hellos).toEqual([true])
  })

  it('go on where the leader was when its tab is closed', async () => {
    const [first, second] = await two()
    await say(event('e1'))
    await say('id: h7\n\n')
    first.close()
    await settled()
    expect(server.last).toMatchObject({ tab: 'second', cursor: 'h7' })
    await say(hello('h7') + event('e2'))
    expect(second.events).toEqual(['e1', 'e2'])
    expect(second.doubts).toBe(0)
  })

  it('go on where the leader was even if a tab took its snapshot later', async () => {
    // A third tab may lack what lies between the two.
    const [first] = await two()
    first.close()
    await settled()
    expect(server.last).toMatchObject({ tab: 'second', cursor: 'c1' })
  })

  it('go on when the leader logs out of the page', async () => {
    const [first, second] = await two()
    first.stream.stop()
    await settled()
    expect([first.stream.state, second.stream.leading]).toEqual(['stopped', true])
    await say(hello('c1'))
    expect(second.stream.state).toBe('live')
  })

  it('both follow the state of the one connection', async () => {
    const [first, second] = await two()
    server.last.cut()
    await settled()
    await say(hello('c1', false))
    expect(second.states).toEqual(['connecting', 'live', 'waiting', 'connecting', 'live'])
    expect([first.hellos, second.hellos]).toEqual([[true, false], [true, false]])
  })

  it('both find out that the session is over', async () => {
    const [first, second] = await two()
    sessionOver = new Set(['first', 'second'])
    await say('event: bye\ndata: {"reason":"revoked"}\n\n')
    await vi.advanceTimersByTimeAsync(100)
    expect([first.stream.state, second.stream.state]).toEqual(['stopped', 'stopped'])
    expect(server.connects).toHaveLength(1)
  })

  it('of different people share nothing', async () => {
    await new Tab('first').open('c1')
    await new Tab('second', true, 'ben').stream.prepare()
    expect(opened[1]?.channel?.name).not.toBe(opened[0]?.channel?.name)
  })

  it('have a connection each where the browser has no locks', async () => {
    await new Tab('first', false).open('c1')
    await new Tab('second', false).open('c2')
    expect(server.connects.map(({ tab, cursor }) => [tab, cursor])).toEqual([['first', 'c1'], ['second', 'c2']])
  })
})

describe('doubt', () => {
  it('comes to a tab whose snapshot may be older than the leader', async () => {
    const first = new Tab('first')
    const second = new Tab('second')
    await Promise.all([first.stream.prepare(), second.stream.prepare()])
    first.stream.start('c9')
    await settled()
    expect(second.doubts).toBe(1)
    second.stream.start('c1')
    await settled()
    expect([first.doubts, second.doubts]).toEqual([0, 1])
  })

  it('comes to all when the next leader does not go on where the last one was', async () => {
    const first = await new Tab('first').open('c1')
    await say(hello('c1'))
    const covered = new Tab('covered')
    await covered.stream.prepare()
    // One that heard of nobody, as if the leader had been busy.
    locks.query = () => Promise.resolve({ held: [], pending: [] })
    const late = new Tab('late')
    await late.stream.prepare()
    late.stream.start('c5')
    first.close()
    await settled()
    expect(server.last).toMatchObject({ tab: 'late', cursor: 'c5' })
    expect([covered.doubts, late.doubts]).toEqual([1, 0])
  })

  it('comes to a leader that was frozen and lost its lock', async () => {
    const [first, second] = await two()
    first.freeze()
    await vi.advanceTimersByTimeAsync(51_000)
    expect([first.stream.leading, second.stream.leading]).toEqual([false, true])
    await say(hello('c1') + event('e1'))
    air.deaf.clear()
    await vi.advanceTimersByTimeAsync(16_000)
    expect([second.events, first.events]).toEqual([['e1'], []])
    expect([first.doubts, second.doubts]).toEqual([1, 0])
  })
})

describe('a tab that only listens', () => {
  it('asks the leader to try again', async () => {
    const [, second] = await two()
    for (let i = 0; i < 3; i++) {
      server.last.cut()
      await settled()
    }
    second.stream.retryNow()
    await settled()
    await say(hello('c1'))
    expect(second.stream.state).toBe('live')
  })

  it('makes a leader that heard nothing for long renew its connection when it is shown again', async () => {
    await two()
    const shown = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(31_000)
    shown.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    await settled()
    expect(server.connects).toHaveLength(2)
    expect(server.last.tab).toBe('first')
  })

  it('leaves a leader alone that says that it is there', async () => {
    const [first] = await two()
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(20_000)
      await say('id: h\n\n')
    }
    expect(first.stream.leading).toBe(true)
    expect(server.connects).toHaveLength(1)
  })

  it('makes no request once it is stopped', async () => {
    const [first, second] = await two()
    second.stream.stop()
    first.close()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(server.connects.filter(({ tab }) => tab === 'second')).toEqual([])
  })
})
