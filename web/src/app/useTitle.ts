/** The window's title: a dot when something is unread, the place, the product. */
import type { WatchSource } from 'vue'
import { onScopeDispose, watch } from 'vue'

export function useTitle(title: WatchSource<string>): void {
  watch(title, (text) => (document.title = text === '' ? 'Tertulia' : `${text} · Tertulia`), { immediate: true })
  onScopeDispose(() => (document.title = 'Tertulia'))
}
