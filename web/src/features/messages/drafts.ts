/** What somebody began to write, per place (a channel, a thread), in this browser. Written within half a second of the last key. */
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'

import type { Place } from '@/entities/place'
import { threadOf } from '@/entities/place'

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
  /** Channels with a draft of their own; one in a thread is not the channel's. */
  const channels = computed(() => new Set(Object.keys(texts.value).filter((place) => threadOf(place) === null)))
  let timer: ReturnType<typeof setTimeout> | undefined

  function get(place: Place): string {
    return texts.value[place] ?? ''
  }

  function set(place: Place, text: string): void {
    if (text === get(place)) return
    const { [place]: _, ...rest } = texts.value
    texts.value = text.trim() === '' ? rest : { ...rest, [place]: text }
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
