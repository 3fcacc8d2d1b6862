/** A number that stays in this browser, such as the width of a column. */
import type { Ref } from 'vue'
import { ref, watch } from 'vue'

export function remembered(key: string, otherwise: number): Ref<number> {
  const value = ref(stored(key) ?? otherwise)
  watch(value, (now) => {
    try {
      localStorage.setItem(key, String(now))
    } catch {
      // Storage is full or blocked: it then lasts as long as the tab.
    }
  })
  return value
}

function stored(key: string): number | null {
  try {
    const value = Number(localStorage.getItem(key) ?? Number.NaN)
    return Number.isFinite(value) ? value : null
  } catch {
    return null
  }
}
