/** What counts as read: the end of the list, on screen, in a tab that has the focus. */
import type { Ref } from 'vue'
import { onBeforeUnmount, onMounted, ref } from 'vue'

import { useEntities } from '@/entities/store'
import { isUnread } from '@/entities/unread'

export function useReading(
  channelId: string,
  endIsVisible: () => boolean,
): { unreadAfter: Ref<number | null>; see: () => void } {
  const entities = useEntities()
  const entry = entities.channels.get(channelId)
  // Frozen when the channel is opened, so that the line does not move under the reader's eyes.
  const unread = entry !== undefined && isUnread(entry.channel.last_msg_seq, entry.readSeq)
  const unreadAfter = ref(unread ? entry.readSeq : null)

  function see(): void {
    if (document.visibilityState === 'visible' && document.hasFocus() && endIsVisible()) {
      entities.markRead(channelId)
    }
  }

  onMounted(() => {
    addEventListener('focus', see)
    document.addEventListener('visibilitychange', see)
  })
  onBeforeUnmount(() => {
    removeEventListener('focus', see)
    document.removeEventListener('visibilitychange', see)
  })

  return { unreadAfter, see }
}
