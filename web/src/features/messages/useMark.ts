/** The message that a link led to stands out for a while. */
import { onBeforeUnmount, ref } from 'vue'

const MARKED_MS = 4_000

export function useMark() {
  const marked = ref<string | null>(null)
  let fading: ReturnType<typeof setTimeout> | undefined

  function clear(): void {
    clearTimeout(fading)
    marked.value = null
  }

  function mark(key: string): void {
    clear()
    marked.value = key
    fading = setTimeout(clear, MARKED_MS)
  }

  onBeforeUnmount(clear)
  return { marked, mark, clear }
}
