/** Where a list begins, and the ways to other places in it: a linked message, where one left off, what is unread, the end. */
import { nextTick } from 'vue'

import type { Message } from '@/api/types'
import { isAside } from '@/entities/thread'

import { messageKey } from './rows'
import type { useMark } from './useMark'
import type { useScrollAnchor } from './useScrollAnchor'
import type { useTimeline } from './useTimeline'

interface Parts {
  history: ReturnType<typeof useTimeline>
  scroll: ReturnType<typeof useScrollAnchor>
  marking: ReturnType<typeof useMark>
  /** The message that a link leads to. */
  target: () => string | null
  /** The target is a reply that stands only in its thread. */
  elsewhere: (message: Message) => void
}

export function useArrival(threaded: boolean, { history, scroll, marking, target, elsewhere }: Parts) {
  const { timeline, ready, loadAround, loadLatest } = history

  async function arrive(): Promise<void> {
    await nextTick()
    const message = timeline.value.items.find(({ id }) => id === target())
    if (message !== undefined && threaded && isAside(message)) elsewhere(message)
    if (message !== undefined) {
      marking.mark(messageKey(message))
      scroll.toRow(messageKey(message), 0.3)
    } else if (scroll.kept) scroll.settle()
    else if (!scroll.toRow('unread', 0.25)) scroll.toEnd()
  }

  /** The linked message, else where one left off, else the first unread message, else the end. */
  async function open(): Promise<void> {
    const linked = target()
    marking.clear()
    if (linked !== null) await loadAround(linked)
    if (!ready.value || (linked === null && timeline.value.hasAfter)) await loadLatest()
    await arrive()
  }

  async function toLatest(): Promise<void> {
    marking.clear()
    if (timeline.value.hasAfter) await loadLatest()
    await nextTick()
    scroll.toEnd()
  }

  return { open, toLatest }
}
