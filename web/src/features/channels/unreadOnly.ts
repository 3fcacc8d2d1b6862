/** Whether the sidebar shows only what waits; remembered in this browser. */
import { ref, watch } from 'vue'

const KEY = 'tertulia.sidebar.unread'

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) === '1'
  } catch {
    return false
  }
}

export const unreadOnly = ref(stored())

watch(unreadOnly, (on) => {
  try {
    localStorage.setItem(KEY, on ? '1' : '0')
  } catch {
    // Storage is full or blocked: it then lasts as long as the tab.
  }
})
