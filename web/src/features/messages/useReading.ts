/**
 * What counts as read: the end of the list, on screen, in a tab that has the focus. And where the "New" line stands:
 * before what was unread when the channel was opened, or before what came while the reader was elsewhere. A thread has
 * neither here: what is read of a channel says nothing of its threads.
 */
import type { Ref } from 'vue'
import { onBeforeUnmount, onMounted, ref } from 'vue'

import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { isUnread } from '@/entities/unread'

interface Reading {
  unreadAfter: Ref<number | null>
  see: () => void
  caughtUp: () => void
}

export function useReading(place: Place, endIsVisible: () => boolean): Reading {
  if (threadOf(place) !== null) return { unreadAfter: ref(null), see: () => undefined, caughtUp: () => undefined }
  const channelId = channelOf(place)
  const entities = useEntities()
  // It does not move while somebody reads, only when they were away or say something themselves.
  const unreadAfter = ref<number | null>(null)
  drawLine()

  function drawLine(): void {
    const entry = entities.channels.get(channelId)
    if (entry !== undefined && isUnread(entry.channel.last_msg_seq, entry.readSeq)) unreadAfter.value = entry.readSeq
  }

  function see(): void {
    if (document.visibilityState !== 'visible' || !document.hasFocus()) drawLine()
    else if (endIsVisible()) entities.markRead(channelId)
  }

  function caughtUp(): void {
    unreadAfter.value = null
  }

  onMounted(() => {
    addEventListener('focus', see)
    document.addEventListener('visibilitychange', see)
  })
  onBeforeUnmount(() => {
    removeEventListener('focus', see)
    document.removeEventListener('visibilitychange', see)
  })

  return { unreadAfter, see, caughtUp }
}
