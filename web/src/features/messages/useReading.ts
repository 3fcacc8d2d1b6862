/**
 * What counts as read: a row that somebody had on screen for a moment, in a tab that has the focus. And where the "New" line
 * stands: before what was unread when the place was opened, or before what came while the reader was elsewhere. It does not
 * move while somebody reads; it goes when they say something, or that they have read it all.
 */
import { onBeforeUnmount, onMounted, ref, watch } from 'vue'

import type { Place } from '@/entities/place'
import { threadOf } from '@/entities/place'
import { usePreferences } from '@/entities/preferences'
import { useReadPositions } from '@/entities/readPositions'
import { useEntities } from '@/entities/store'

import type { Row } from './rows'
import { useSeen } from './useSeen'

interface View {
  /** Keys of the rows on the screen. */
  onScreen: () => readonly string[]
  /** The rows that are in the page. */
  drawn: () => readonly Row[]
}

export function useReading(place: Place, { onScreen, drawn }: View) {
  const entities = useEntities()
  const positions = useReadPositions()
  const preferences = usePreferences()
  /** The "New" line stands after this number. */
  const unreadAfter = ref<number | null>(null)
  /** How many messages were new when the line was drawn. */
  const fresh = ref(0)
  let nothingLeft = true

  entities.held.delete(place)
  drawLine()
  if (unreadAfter.value !== null && threadOf(place) === null && preferences.current.opensAt === 'newest-unread') {
    // Who wishes so says themselves that they have read it.
    entities.held.add(place)
  }
  const { look } = useSeen(onScreen, (keys) => {
    const newest = Math.max(...drawn().map((row) => (keys.includes(row.key) ? numberOf(row) : 0)))
    if (newest > 0) positions.read(place, newest)
  })

  /** Of what others wrote. */
  function numberOf(row: Row): number {
    return row.kind === 'message' && row.authorId !== entities.myId ? (row.message?.ch_seq ?? 0) : 0
  }

  function drawLine(): void {
    const cursor = entities.cursorOf(place)
    if (cursor === null || cursor.unread === 0) return
    unreadAfter.value = cursor.readSeq
    fresh.value = cursor.unread
  }

  const isAttentive = () => document.visibilityState === 'visible' && document.hasFocus()

  /** Rows have come, or gone. */
  function see(): void {
    look()
    const unread = entities.cursorOf(place)?.unread ?? 0
    if (isAttentive() || unread === 0 || (unreadAfter.value !== null && !nothingLeft)) return
    drawLine()
    nothingLeft = false
  }

  function onLeaving(): void {
    if (!isAttentive()) nothingLeft = (entities.cursorOf(place)?.unread ?? 0) === 0
  }

  /** Whoever speaks, or says so, has read what was said before. */
  function caughtUp(): void {
    unreadAfter.value = null
    positions.readToEnd(place)
  }

  // Unread again from somewhere, said here or on another device.
  watch(() => (entities.held.has(place) ? entities.cursorOf(place)?.readSeq : undefined), (seq) => seq !== undefined && drawLine())

  onMounted(() => {
    addEventListener('blur', onLeaving)
    document.addEventListener('visibilitychange', onLeaving)
  })
  onBeforeUnmount(() => {
    entities.held.delete(place)
    removeEventListener('blur', onLeaving)
    document.removeEventListener('visibilitychange', onLeaving)
  })

  return { unreadAfter, fresh, see, caughtUp }
}
