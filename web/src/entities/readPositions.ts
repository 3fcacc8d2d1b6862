/**
 * Moves my cursors. What was read is true here at once and reaches the server in batches; its `read.updated` then says to all
 * of my devices what is left (entities/apply.ts). A wish that got no answer is sent again: the same number twice does nothing.
 * Until then it is kept in this browser, so a page that is loaded anew without the network knows of it.
 */
import { defineStore } from 'pinia'

import { attention } from '@/api/attention'
import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'

import type { Place } from './place'
import { channelOf, placeIn, threadOf } from './place'
import { keptPositions } from './keptPositions'
import { useEntities } from './store'
import { isAside } from './thread'
import { countsAt } from './unread'

/** Reading goes on: what was read within this time is one request. */
const BATCH_MS = 2_000
const RETRY_MS = 5_000

export const useReadPositions = defineStore('readPositions', () => {
  const entities = useEntities()
  let timer: ReturnType<typeof setTimeout> | undefined
  let sending = false

  /** Everything up to `seq` was read. It only moves forward, and not where somebody has said "unread from here". */
  function read(place: Place, seq: number): void {
    const cursor = entities.cursorOf(place)
    if (cursor === null || seq <= cursor.readSeq || entities.held.has(place)) return
    move(place, seq, false)
    later(BATCH_MS)
  }

  /** Read to the end, whatever was said before. */
  function readToEnd(place: Place): void {
    const entry = entities.channels.get(channelOf(place))
    const nothing = entities.cursorOf(place)?.unread === 0 && !entities.held.has(place)
    if (entry === undefined || nothing) return
    entities.held.delete(place)
    move(place, Math.max(entry.knownSeq, entry.channel.last_msg_seq, entities.cursorOf(place)?.readSeq ?? 0), false)
    later(0)
  }

  /** What comes after `seq` is unread, until the reader leaves and comes back. */
  function unreadAfter(place: Place, seq: number): void {
    if (entities.cursorOf(place) === null) return
    entities.held.add(place)
    move(place, seq, true)
    later(0)
  }

  /** The message and what comes after it, where it stands. */
  function unreadFrom(message: Message): void {
    const threadId = isAside(message) ? message.thread_id : null
    unreadAfter(placeIn(message.channel_id, threadId), message.ch_seq - 1)
  }

  function move(place: Place, seq: number, exact: boolean): void {
    const cursor = entities.cursorOf(place)
    const timeline = entities.timelines.get(place) ?? { items: [], hasBefore: true, hasAfter: true }
    if (cursor === null) return
    const atEnd = !exact && seq >= (entities.channels.get(channelOf(place))?.channel.last_msg_seq ?? 0)
    const left = atEnd ? { unread: 0, mentions: 0 } : countsAt(cursor, seq, timeline, entities.readerOf(place))
    entities.setCursor(place, { readSeq: seq, ...left })
    entities.readWishes.set(place, { seq, exact })
    keptPositions.keep(entities.myId, place, { seq, exact })
  }

  function later(ms: number): void {
    if (ms > 0 && timer !== undefined) return
    clearTimeout(timer)
    timer = setTimeout(() => void flush(), ms)
  }

  async function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (sending) return
    sending = true
    try {
      let ok = true
      for (const place of [...entities.readWishes.keys()]) ok = (await send(place, false)) && ok
      if (entities.readWishes.size > 0) later(ok ? BATCH_MS : RETRY_MS)
    } finally {
      sending = false
    }
  }

  /** False when it has to be sent again. */
  async function send(place: Place, keepalive: boolean): Promise<boolean> {
    const wish = entities.readWishes.get(place)
    if (wish === undefined) return true
    const thread = threadOf(place)
    const marking = { ...wish, keepalive }
    try {
      if (thread === null) await attention.readChannel(channelOf(place), marking)
      else await attention.readThread(thread, marking)
    } catch (error) {
      const problem = asProblem(error)
      if (problem.temporary || problem.status === 401) return false
    }
    // Somebody may have read on meanwhile.
    if (entities.readWishes.get(place) === wish) {
      entities.readWishes.delete(place)
      keptPositions.forget(entities.myId, place)
    }
    return true
  }

  /** What an earlier page did not get through to the server: to be called once the places are known here. */
  function restore(): void {
    for (const [place, { seq, exact }] of keptPositions.all(entities.myId)) {
      const cursor = entities.cursorOf(place)
      if (cursor === null || entities.readWishes.has(place)) continue
      if (!exact && seq <= cursor.readSeq) keptPositions.forget(entities.myId, place)
      else if (exact) unreadAfter(place, seq)
      else read(place, seq)
    }
  }

  /** The page may never be seen again. */
  function flushNow(): void {
    for (const place of entities.readWishes.keys()) void send(place, true)
  }

  document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && flushNow())
  addEventListener('pagehide', flushNow)

  return { read, readToEnd, unreadAfter, unreadFrom, flush, restore }
})
