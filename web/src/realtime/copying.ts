/** Writes what changes in the store into the copy, a while later and all at once. */
import { watch } from 'vue'

import { threadOf } from '@/entities/place'
import type { Entities } from '@/entities/store'
import type { Timeline } from '@/entities/timeline'

import type { History } from './copy'
import { copy, MESSAGES } from './copy'

const AFTER_MS = 1_500

/** The end of a channel's history; null when it is not at hand. */
export function endOf(timeline: Timeline): Pick<History, 'items' | 'hasBefore'> | null {
  const { items, hasBefore, hasAfter } = timeline
  if (hasAfter || items.length === 0) return null
  return { items: items.slice(-MESSAGES), hasBefore: hasBefore || items.length > MESSAGES }
}

export function startCopying(store: Entities): void {
  /** As they were written last. */
  const written = new Map<string, Timeline>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function write(): void {
    clearTimeout(timer)
    timer = undefined
    const changed: History[] = []
    for (const [channelId, timeline] of store.timelines) {
      const entry = store.channels.get(channelId)
      if (threadOf(channelId) !== null || entry === undefined || written.get(channelId) === timeline) continue
      const end = endOf(timeline)
      written.set(channelId, timeline)
      if (end === null) continue
      changed.push({ userId: store.myId, channelId, ...end, knownSeq: entry.knownSeq, savedAt: Date.now() })
    }
    if (changed.length > 0) void copy.keepHistories(changed)
  }

  watch(
    () => [...store.timelines.values()],
    () => {
      if (store.myId !== '') timer ??= setTimeout(write, AFTER_MS)
      else {
        clearTimeout(timer)
        timer = undefined
        written.clear()
      }
    },
  )
  // Channels that I am no longer in.
  watch(
    () => [...store.channels.keys()],
    (now, before) => {
      const present = new Set(now)
      if (store.myId === '') return
      for (const id of before) if (!present.has(id)) void copy.forgetHistory(store.myId, id)
    },
  )
  addEventListener('pagehide', () => {
    if (timer !== undefined) write()
  })
}
