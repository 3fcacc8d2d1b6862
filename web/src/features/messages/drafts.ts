/** What somebody began to write, per channel, in this browser. Written within half a second of the last key. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

const KEY = 'tertulia.drafts'
const WRITE_AFTER_MS = 400

function stored(): Record<string, string> {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, string>
  } catch {
    return {}
  }
}

export const useDrafts = defineStore('drafts', () => {
  const texts = ref(stored())
  const channels = computed(() => new Set(Object.keys(texts.value)))
  let timer: ReturnType<typeof setTimeout> | undefined

  function get(channelId: string): string {
    return texts.value[channelId] ?? ''
  }

  function set(channelId: string, text: string): void {
    if (text === get(channelId)) return
    const { [channelId]: _, ...rest } = texts.value
    texts.value = text.trim() === '' ? rest : { ...rest, [channelId]: text }
    clearTimeout(timer)
    timer = setTimeout(write, WRITE_AFTER_MS)
  }

  function write(): void {
    clearTimeout(timer)
    try {
      localStorage.setItem(KEY, JSON.stringify(texts.value))
    } catch {
      // Storage is full or blocked: drafts last as long as the tab.
    }
  }

  function clear(): void {
    texts.value = {}
    clearTimeout(timer)
    localStorage.removeItem(KEY)
  }

  addEventListener('pagehide', write)

  return { channels, get, set, clear }
})
