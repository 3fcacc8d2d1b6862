/**
 * Sending. A message is painted at once, written to disk, and sent in the background until the server has it.
 *
 * One message is in flight per place (a channel, a thread), so the order is kept there, and a thread does not wait for its
 * channel; a Web Lock keeps that true between tabs, and a BroadcastChannel shows every tab what another one sends. The tab that
 * a message was written in sends it and, when it is closed, another one. Every try carries the same `client_msg_id`, so a lost
 * answer never makes a second message.
 */
import { defineStore } from 'pinia'
import { computed, shallowReactive } from 'vue'

import { messages as messageApi } from '@/api/endpoints'
import { exclusively } from '@/api/exclusive'
import { uuidv7 } from '@/api/ids'
import { asProblem, Problem } from '@/api/problem'
import { retryDelay } from '@/api/retry'
import { arrivals, beginSpan, endSpan } from '@/api/trace'
import { Turns } from '@/api/turns'
import { applyMessage } from '@/entities/apply'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { useWishes } from '@/entities/wishQueue'

import type { Pending } from './delivery'
import { afterProblem, goesBefore, nextToSend, placeOf, withStaleAsked } from './delivery'
import { outboxStorage } from './outboxStorage'

export const useOutbox = defineStore('outbox', () => {
  const entities = useEntities()
  const wishes = useWishes()
  const queues = shallowReactive(new Map<Place, readonly Pending[]>())
  const pumping = new Set<string>()
  const wakers = new Map<string, () => void>()
  /** Ids of new messages that are on their way to the disk. */
  const keeping = shallowReactive(new Set<string>())
  /** Ids that the disk has taken. Only of these does a missing row say that another tab has sent or deleted it. */
  const written = new Set<string>()
  const turns = new Turns('outbox.message', (id) => {
    const pending = all().find((one) => one.id === id)
    if (pending !== undefined) void pump(placeOf(pending))
  })
  /** Rises with what changes here, so that what was read from the disk before is not taken for newer. */
  let version = 0
  let owner = ''
  let tabs: BroadcastChannel | null = null

  const unsent = computed(() => all().filter((pending) => pending.state !== 'failed').length)
  /** Of those, what may be promised: leaving the page now loses none of it that the disk can take. */
  const waiting = computed(() => all().filter(({ id, state }) => state !== 'failed' && !keeping.has(id)).length)

  function all(): readonly Pending[] {
    return [...queues.values()].flat()
  }

  /** Only of what is on disk do other tabs know. */
  function takeTurns(): void {
    turns.follow(all().filter(({ id, state }) => state !== 'failed' && written.has(id)).map(({ id }) => id))
  }

  function queue(place: Place): readonly Pending[] {
    return queues.get(place) ?? []
  }

  function isQueued(pending: Pending): boolean {
    return queue(placeOf(pending)).some((item) => item.id === pending.id)
  }

  function replace(pending: Pending): void {
    const place = placeOf(pending)
    version += 1
    queues.set(place, queue(place).map((item) => (item.id === pending.id ? pending : item)))
  }

  async function keep(pending: Pending): Promise<void> {
    try {
      if (await outboxStorage.put(pending)) written.add(pending.id)
      takeTurns()
      tabs?.postMessage('changed')
    } catch {
      // The disk is full or blocked: the message waits in memory, as it does without a database.
    }
  }

  function forget(pending: Pending): void {
    written.delete(pending.id)
    version += 1
    const place = placeOf(pending)
    queues.set(place, queue(place).filter((item) => item.id !== pending.id))
    takeTurns()
  }

  /** Queues what a person wrote and starts sending. The row is there when this returns. */
  function send(place: Place, text: string, { alsoInChannel = false } = {}): void {
    const threadId = threadOf(place)
    const pending: Pending = {
      id: uuidv7(),
      userId: entities.myId,
      channelId: channelOf(place),
      ...(threadId === null ? {} : { threadId, alsoInChannel }),
      text,
      createdAt: Date.now(),
      state: 'queued',
      attempts: 0,
      failure: null,
    }
    version += 1
    keeping.add(pending.id)
    queues.set(place, [...queue(place), pending])
    void keep(pending).then(() => {
      keeping.delete(pending.id)
      return pump(place)
    })
  }

  function retry(pending: Pending): void {
    const again: Pending = { ...pending, state: 'queued', attempts: 0, failure: null, confirmedAt: Date.now() }
    replace(again)
    void keep(again).then(() => pump(placeOf(pending)))
  }

  async function remove(pending: Pending): Promise<void> {
    forget(pending)
    wakers.get(placeOf(pending))?.()
    await outboxStorage.remove(pending.id)
    tabs?.postMessage('changed')
    wishes.wake(pending.channelId)
  }

  /** Ends the waits in a channel and its threads: what was waited for may be gone. */
  function wake(channelId: string): void {
    for (const [place, wake] of wakers) if (channelOf(place) === channelId) wake()
  }

  /** Ends every wait: the network is back, or the person asks for it. */
  function retryAll(): void {
    for (const wake of wakers.values()) wake()
    for (const place of queues.keys()) void pump(place)
  }

  /** What an earlier page left behind. What has waited for a day asks before it goes. */
  async function restore(): Promise<void> {
    if (owner !== entities.myId) {
      owner = entities.myId
      tabs?.close()
      tabs = new BroadcastChannel(`tertulia.outbox.${owner}`)
      tabs.addEventListener('message', () => void read())
    }
    await read()
    retryAll()
  }

  /** As the disk has it, but for what is under way here or was never written. */
  async function read(): Promise<void> {
    const me = owner
    let seen: number
    let kept: readonly Pending[]
    do {
      seen = version
      kept = await outboxStorage.all(me)
    } while (seen !== version && owner === me)
    if (owner !== me) return
    const own = all().filter((pending) => pending.state === 'sending' || !written.has(pending.id))
    const known = new Set(own.map(({ id }) => id))
    const others = kept.filter(({ id }) => !known.has(id)).map((pending) => withStaleAsked(pending, Date.now()))
    for (const { id } of kept) written.add(id)
    const both = [...others, ...own].sort((a, b) => (a.id < b.id ? -1 : 1))
    const places = new Set([...queues.keys(), ...both.map(placeOf)])
    for (const place of places) queues.set(place, both.filter((pending) => placeOf(pending) === place))
    takeTurns()
  }

  async function pump(place: Place): Promise<void> {
    if (pumping.has(place)) return
    pumping.add(place)
    try {
      for (let next = nextToSend(queue(place)); next; next = nextToSend(queue(place))) {
        const tried = next
        const wait = await exclusively(`outbox.${place}`, () => attempt(tried))
        if (wait === 0) wishes.wake(tried.channelId)
        // What was deleted meanwhile is not waited for.
        if (wait > 0 && isQueued(tried)) await sleep(place, wait)
      }
    } finally {
      pumping.delete(place)
    }
  }

  /** One try. Returns how long to wait before the next one, in ms. */
  async function attempt(pending: Pending): Promise<number> {
    if (written.has(pending.id) && !(await outboxStorage.has(pending.id))) {
      forget(pending)
      return 0
    }
    // The page may have been open, and away from the server, for longer than a day.
    const stale = withStaleAsked(pending, Date.now())
    if (stale !== pending) {
      replace(stale)
      await keep(stale)
      return 0
    }
    replace({ ...pending, state: 'sending' })
    // The first try begins with the key press, a later one by itself.
    const span = beginSpan('send message', pending.attempts === 0 ? { start: pending.createdAt } : {})
    arrivals.expect(pending.id, span)
    try {
      const body = {
        text: pending.text,
        client_msg_id: pending.id,
        thread_id: pending.threadId ?? null,
        also_in_channel: pending.alsoInChannel ?? false,
      }
      const { message } = await messageApi.send(pending.channelId, body, span)
      endSpan(span, true)
      applyMessage(entities, message)
      await remove(pending)
      return 0
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      endSpan(span, false, { 'error.type': error.code })
      return settle(pending, asProblem(error))
    }
  }

  async function settle(pending: Pending, problem: Problem): Promise<number> {
    // Deleted while the request was on its way: leave it gone.
    if (!isQueued(pending)) return 0
    const next = afterProblem(pending, problem, Date.now())
    replace(next)
    await keep(next)
    // Deleted meanwhile; not so when the session has ended meanwhile, which leaves what is on disk.
    if (!isQueued(next) && entities.myId === next.userId) await outboxStorage.remove(next.id)
    if (next.slowUntil !== undefined) wishes.wake(next.channelId)
    return next.state === 'failed' ? 0 : retryDelay(next.attempts, problem.retryAfter, Math.random)
  }

  function sleep(place: Place, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        wakers.delete(place)
        resolve()
      }
      wakers.set(place, done)
    })
  }

  /** The session has ended: stop trying, keep everything on disk for the next log-in. */
  function pause(): void {
    version += 1
    owner = ''
    tabs?.close()
    tabs = null
    queues.clear()
    takeTurns()
    for (const wake of wakers.values()) wake()
  }

  /** A person logs out: nothing of theirs stays in this browser. */
  async function clear(userId: string): Promise<void> {
    pause()
    await outboxStorage.clear(userId)
  }

  // What is wanted of messages goes after what was written before; what is written waits for no wish.
  wishes.holdWhile((channelId, wishId) =>
    all().some((pending) => pending.channelId === channelId && goesBefore(pending, wishId)),
  )

  return { queues, unsent, waiting, queue, send, retry, remove, wake, retryAll, restore, pause, clear }
})
