/** Where a list begins, and the ways to other places in it: a linked message, where one left off, what is unread, the end. */
import type { Ref } from 'vue'
import { nextTick } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Message } from '@/api/types'
import type { Place } from '@/entities/place'
import { threadOf } from '@/entities/place'
import { usePreferences } from '@/entities/preferences'
import { useEntities } from '@/entities/store'
import { isAside } from '@/entities/thread'
import { localDay } from '@/ui/time'
import { toast } from '@/ui/toasts'

import type { Row } from './rows'
import { messageKey } from './rows'
import type { useMark } from './useMark'
import type { useScrollAnchor } from './useScrollAnchor'
import type { useTimeline } from './useTimeline'

/** With fewer numbers than this behind the cursor, the newest page reaches back to it. */
const ONE_PAGE = 45

interface Parts {
  rows: Readonly<Ref<readonly Row[]>>
  history: ReturnType<typeof useTimeline>
  scroll: ReturnType<typeof useScrollAnchor>
  marking: ReturnType<typeof useMark>
  /** What was read before the "New" line. */
  unreadAfter: Readonly<Ref<number | null>>
  /** The message that a link leads to. */
  target: () => string | null
  /** The target is a reply that stands only in its thread. */
  elsewhere: (message: Message) => void
}

export function useArrival(place: Place, { history, rows, scroll, marking, unreadAfter, target, elsewhere }: Parts) {
  const { timeline, ready, loadAround, loadAroundSeq, loadAroundTime, loadLatest } = history
  const { t } = useI18n()
  const entities = useEntities()
  const preferences = usePreferences()
  const threaded = threadOf(place) === null

  async function arrive(): Promise<void> {
    await nextTick()
    const message = timeline.value.items.find(({ id }) => id === target())
    if (message !== undefined && threaded && isAside(message)) elsewhere(message)
    if (message !== undefined) {
      marking.mark(messageKey(message))
      scroll.toRow(messageKey(message), 0.3)
    } else if (scroll.kept) scroll.settle()
    else if (!atLine() || !scroll.toRow('unread', 0.25)) scroll.toEnd()
  }

  /** The linked message, else where one left off, else the first unread message, else the end. */
  async function open(): Promise<void> {
    const linked = target()
    marking.clear()
    if (linked !== null) {
      if (!(await loadAround(linked))) toast(t('messages.notHere'))
    } else if (isFarBack()) await loadAroundSeq(Math.max(1, unreadAfter.value ?? 1))
    if (!ready.value || (linked === null && timeline.value.hasAfter && !isFarBack())) await loadLatest()
    await arrive()
  }

  /** As the person wishes for channels; a thread begins where something is new. */
  const atLine = () => !threaded || preferences.current.opensAt === 'unread'

  /** The first unread message is further up than the newest page reaches. */
  function isFarBack(): boolean {
    const channel = entities.channels.get(place)?.channel
    if (unreadAfter.value === null || channel === undefined || scroll.kept || !atLine()) return false
    return channel.last_seq - unreadAfter.value > ONE_PAGE
  }

  async function toLatest(): Promise<void> {
    marking.clear()
    if (timeline.value.hasAfter) await loadLatest()
    await nextTick()
    scroll.toEnd()
  }

  async function toLine(): Promise<void> {
    if (unreadAfter.value === null || scroll.toRow('unread', 0.25)) return
    await loadAroundSeq(Math.max(1, unreadAfter.value))
    await nextTick()
    scroll.toRow('unread', 0.25)
  }

  /** To the day that begins then, or the next one on which something was said; else to the end. */
  async function toDay(time: number): Promise<void> {
    marking.clear()
    await loadAroundTime(time)
    await nextTick()
    const day = rows.value.find((row) => row.kind === 'day' && localDay(row.time) >= localDay(time))
    if (day === undefined || !scroll.toRow(day.key, 0)) await toLatest()
  }

  return { open, toLatest, toLine, toDay }
}
