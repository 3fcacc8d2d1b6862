/** The window's title: a mark when something is unread, the place, the product. */
import type { ComputedRef, Ref, WatchSource } from 'vue'
import { computed, onScopeDispose, watch } from 'vue'

import { useEntities } from '@/entities/store'
import { isUnread } from '@/entities/unread'

export function useTitle(title: WatchSource<string>): void {
  watch(title, (text) => (document.title = text === '' ? 'Tertulia' : `${text} · Tertulia`), { immediate: true })
  onScopeDispose(() => (document.title = 'Tertulia'))
}

/** For a tab in the background: a dot before the name when any conversation has something new. */
export function useUnreadMark(title: Readonly<Ref<string>>): ComputedRef<string> {
  const entities = useEntities()
  const unread = computed(() =>
    [...entities.channels.values()].some((entry) => entry.joined && isUnread(entry.channel.last_msg_seq, entry.readSeq)),
  )
  return computed(() => (unread.value ? `• ${title.value}` : title.value))
}
