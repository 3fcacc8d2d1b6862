import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import type { Envelope, Hello } from '@/api/events'
import { networkProblem, Problem } from '@/api/problem'

import { IDLE_AFTER_MS, PresenceWatch } from './presence'

const hello = (connection: string): Hello => ({ resumed: true, cursor: 'c', server: 's', rotate_s: 600, connection })

/** Enough of a BroadcastChannel: what one says, the others hear. */
class Room {
  readonly #all: { listener: (event: { data: unknown }) => void; channel: object }[] = []

  enter(): BroadcastChannel {
    const channel = {
      addEventListener: (_: string, listener: (event: { data: unknown }) => void) => this.#all.push({ listener, channel }),
      postMessage: (data: unknown) => this.#all.forEach((one) => one.channel !== channel && one.listener({ data })),
      close: () => undefined,
    }
    return channel as unknown as BroadcastChannel
  }
}

let room: Room
let said: string[]
let failing: Error[]
const open: PresenceWatch[] = []

function tab(watched: string[], leads = true): PresenceWatch {
  const answer = async (what: string) => {
    const error = failing.shift()
    if (error !== undefined) throw error
    said.push(what)
  }
  const watch = new PresenceWatch({
    watched: () => watched,
    leads: () => leads,
    channel: () => room.enter(),
    watch: (connection, people) => answer(`${connection}: ${people.join(' ')}`.trim()),
    setActive: (connection, active) => answer(`${connection}: ${active ? 'active' : 'idle'}`),
  })
  open.push(watch)
  watch.start()
  return watch
}

beforeEach(() => {
  vi.useFakeTimers()
  room = new Room()
  said = []
  failing = []
})
afterEach(() => {
  for (const one of open.splice(0)) one.stop()
  vi.useRealTimers()
})

it('tells each connection whom it shows, once, and nothing when that is nobody', async () => {
  const shown: string[] = []
  const mine = tab(shown)
  mine.onHello(hello('k1'))
  await vi.advanceTimersByTimeAsync(300)
  expect(said).toEqual([])
  shown.push('ben', 'ana')
  mine.onWatched()
  mine.onWatched()
  await vi.advanceTimersByTimeAsync(300)
  mine.onWatched()
  await vi.advanceTimersByTimeAsync(300)
  mine.onHello(hello('k2'))
  await vi.advanceTimersByTimeAsync(300)
  shown.length = 0
  mine.onWatched()
  await vi.advanceTimersByTimeAsync(300)
  expect(said).toEqual(['k1: ana ben', 'k2: ana ben', 'k2:'])
})

it('the tab that leads asks for all of them, also for one that opened before it', async () => {
  tab(['eve'], false).onHello(hello('k1'))
  const second = tab(['ana'])
  second.onHello(hello('k1'))
  await vi.advanceTimersByTimeAsync(300)
  expect(said).toEqual(['k1: ana eve'])
})

it('asks again after somebody joined; after no answer; and not of a connection that is gone', async () => {
  const mine = tab(['ben'])
  mine.onHello(hello('k1'))
  await vi.advanceTimersByTimeAsync(300)
  mine.onEvent({ type: 'member.joined' } as Envelope)
  failing = [networkProblem()]
  await vi.advanceTimersByTimeAsync(10_000)
  expect(said).toEqual(['k1: ben', 'k1: ben'])
  mine.onEvent({ type: 'member.joined' } as Envelope)
  failing = [new Problem(404, 'not_found', 'Gone')]
  await vi.advanceTimersByTimeAsync(60_000)
  expect(said).toHaveLength(2)
})

it('is idle after minutes without input in any tab, and back at the first', async () => {
  const mine = tab([])
  mine.onHello(hello('k1'))
  await vi.advanceTimersByTimeAsync(IDLE_AFTER_MS - 60_000)
  room.enter().postMessage({ kind: 'input' })
  await vi.advanceTimersByTimeAsync(IDLE_AFTER_MS - 60_000)
  expect(said).toEqual([])
  await vi.advanceTimersByTimeAsync(80_000)
  expect(said).toEqual(['k1: idle'])
  expect(mine.idle).toBe(true)
  dispatchEvent(new Event('pointermove'))
  await vi.advanceTimersByTimeAsync(10)
  expect(said).toEqual(['k1: idle', 'k1: active'])
})
