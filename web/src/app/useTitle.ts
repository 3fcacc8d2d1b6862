/** The window's title: how much waits for me, the place, the product. And a dot on its icon. */
import type { WatchSource } from 'vue'
import { computed, onScopeDispose, ref, watch } from 'vue'

import { shownCount } from '@/entities/unread'
import { useWaiting } from '@/entities/waiting'

const place = ref('')

export function useTitle(title: WatchSource<string>): void {
  watch(title, (text) => (place.value = text), { immediate: true })
  onScopeDispose(() => (place.value = ''))
}

/** For a tab in the background: the number of mentions and direct messages, or a dot when anything else is new. */
export function useUnreadMark(): void {
  const waiting = useWaiting()
  const mentions = computed(() => [...waiting.value.values()].reduce((sum, counts) => sum + counts.mentions, 0))
  const something = computed(() => [...waiting.value.values()].some((counts) => counts.unread > 0))

  watch(
    [place, mentions, something],
    () => {
      const name = place.value === '' ? 'Tertulia' : `${place.value} · Tertulia`
      const mark = mentions.value > 0 ? `(${shownCount(mentions.value)}) ` : something.value ? '• ' : ''
      document.title = mark + name
    },
    { immediate: true },
  )
  watch(
    () => mentions.value > 0 || something.value,
    (marked) => {
      const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
      if (icon !== null) icon.href = marked ? '/favicon-unread.svg' : '/favicon.svg'
    },
  )
}
