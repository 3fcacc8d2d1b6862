/** Which rows were on the screen for long enough to have been read, in a page that is looked at. */
import { onBeforeUnmount, onMounted } from 'vue'

export const READ_MS = 800

/**
 * `onScreen` says what is there now; `onSeen` is told what has been there for 800 ms without a break, once for each time it
 * was. Call `look` whenever something may have come or gone: after scrolling and after the rows have changed.
 */
export function useSeen(onScreen: () => readonly string[], onSeen: (keys: readonly string[]) => void): { look: () => void } {
  /** Since when, by `performance.now()`; null once it has been told. */
  const since = new Map<string, number | null>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function look(): void {
    clearTimeout(timer)
    const now = performance.now()
    const here = new Set(document.visibilityState === 'visible' && document.hasFocus() ? onScreen() : [])
    for (const key of since.keys()) if (!here.has(key)) since.delete(key)
    for (const key of here) if (!since.has(key)) since.set(key, now)
    const seen = [...since].filter(([, from]) => from !== null && now - from >= READ_MS).map(([key]) => key)
    for (const key of seen) since.set(key, null)
    const waiting = [...since.values()].filter((from) => from !== null)
    if (waiting.length > 0) timer = setTimeout(look, Math.min(...waiting) + READ_MS - now)
    if (seen.length > 0) onSeen(seen)
  }

  onMounted(() => {
    addEventListener('focus', look)
    addEventListener('blur', look)
    document.addEventListener('visibilitychange', look)
  })
  onBeforeUnmount(() => {
    clearTimeout(timer)
    removeEventListener('focus', look)
    removeEventListener('blur', look)
    document.removeEventListener('visibilitychange', look)
  })

  return { look }
}
