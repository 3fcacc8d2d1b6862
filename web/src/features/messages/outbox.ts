/**
 * Sending. A message is painted at once, written to disk, and sent in the background until the server has it.
 *
 * One message is in flight per channel, so the order is kept; a Web Lock keeps that true between tabs. Every try
 * carries the same `client_msg_id`, so a lost answer never makes a second message.
 */
import { defineStore } from 'pinia'
import { computed, shallowReactive } from 'vue'

import { messages as messageApi } from '@/api/endpoints'
import { exclusively } from '@/api/exclusive'
import { uuidv7 } from '@/api/ids'
import { asProblem, Problem } from '@/api/problem'
import { arrivals, beginSpan, endSpan } from '@/api/trace'
import { applyMessage } from '@/entities/apply'
import { useEntities } from '@/entities/store'

import type { Pending } from './delivery'
import { afterProblem, nextToSend, retryDelay, withStaleAsked } from './delivery'
import { outboxStorage } from './outboxStorage'

export const useOutbox = defineStore('outbox', () => {
  const entities = useEntities()
  const queues = shallowReactive(new Map<string, readonly Pending[]>())
  const pumping = new Set<string>()
  const wakers = new Map<string, () => void>()
  /** Ids that the disk has taken. Only of these does a missing row say that another tab has sent or deleted it. */
  const written = new Set<string>()

  const unsent = computed(
    () => [...queues.values()].flat().filter((pending) => pending.state !== 'failed').length,
  )

  function queue(channelId: string): readonly Pending[] {
    return queues.get(channelId) ?? []
  }

  function replace(pending: Pending): void {
    const items = queue(pending.channelId).map((item) => (item.id === pending.id ? pending : item))
    queues.set(pending.channelId, items)
  }

  async function keep(pending: Pending): Promise<void> {
    try {
      await outboxStorage.put(pending)
      written.add(pending.id)
    } catch {
      // The disk is full or blocked: the message waits in memory, as it does without a database.
    }
  }

  function forget(pending: Pending): void {
    written.delete(pending.id)
    queues.set(pending.channelId, queue(pending.channelId).filter((item) => item.id !== pending.id))
  }

  /** Queues what a person wrote and starts sending. The row is there when this returns. */
  function send(channelId: string, text: string): void {
    const pending: Pending = {
      id: uuidv7(),
      userId: entities.myId,
      channelId,
      text,
      createdAt: Date.now(),
      state: 'queued',
      attempts: 0,
      failure: null,
    }
    queues.set(channelId, [...queue(channelId), pending])
    void keep(pending).then(() => pump(channelId))
  }

  function retry(pending: Pending): void {
    const again: Pending = { ...pending, state: 'queued', attempts: 0, failure: null }
    replace(again)
    void keep(again).then(() => pump(pending.channelId))
  }

  async function remove(pending: Pending): Promise<void> {
    forget(pending)
    wake(pending.channelId)
    await outboxStorage.remove(pending.id)
  }

  /** Ends the wait of one channel: what was waited for may be gone. */
  function wake(channelId: string): void {
    wakers.get(channelId)?.()
  }

  /** Ends every wait: the network is back, or the person asks for it. */
  function retryAll(): void {
    for (const wake of wakers.values()) wake()
    for (const channelId of queues.keys()) void pump(channelId)
  }

  /** What an earlier page left behind. What has waited for a day asks before it goes. */
  async function restore(): Promise<void> {
    for (const item of await outboxStorage.all(entities.myId)) {
      const pending = withStaleAsked(item, Date.now())
      written.add(pending.id)
      const items = queue(pending.channelId)
      if (!items.some((item) => item.id === pending.id)) queues.set(pending.channelId, [...items, pending])
    }
    retryAll()
  }

  async function pump(channelId: string): Promise<void> {
    if (pumping.has(channelId)) return
    pumping.add(channelId)
    try {
      for (let next = nextToSend(queue(channelId)); next; next = nextToSend(queue(channelId))) {
        const wait = await exclusively(`outbox.${channelId}`, () => attempt(next as Pending))
        if (wait > 0) await sleep(channelId, wait)
      }
    } finally {
      pumping.delete(channelId)
    }
  }

  /** One try. Returns how long to wait before the next one, in ms. */
  async function attempt(pending: Pending): Promise<number> {
    if (written.has(pending.id) && !(await outboxStorage.has(pending.id))) {
      forget(pending)
      return 0
    }
    replace({ ...pending, state: 'sending' })
    // The first try begins with the key press, a later one by itself.
    const span = beginSpan('send message', pending.attempts === 0 ? { start: pending.createdAt } : {})
    arrivals.expect(pending.id, span)
    try {
      const body = { text: pending.text, client_msg_id: pending.id, also_in_channel: false }
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
    if (!queue(pending.channelId).some((item) => item.id === pending.id)) return 0
    const next = afterProblem(pending, problem, Date.now())
    replace(next)
    await keep(next)
    return next.state === 'failed' ? 0 : retryDelay(next.attempts, problem.retryAfter, Math.random)
  }

  function sleep(channelId: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        wakers.delete(channelId)
        resolve()
      }
      wakers.set(channelId, done)
    })
  }

  /** The session has ended: stop trying, keep everything on disk for the next log-in. */
  function pause(): void {
    queues.clear()
    for (const wake of wakers.values()) wake()
  }

  /** A person logs out: nothing of theirs stays in this browser. */
  async function clear(): Promise<void> {
    pause()
    await outboxStorage.clear()
  }

  return { queues, unsent, queue, send, retry, remove, wake, retryAll, restore, pause, clear }
})
