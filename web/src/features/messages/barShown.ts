/** Whether the formatting buttons are shown: a habit of this browser. */
import { ref, watch } from 'vue'

const KEY = 'tertulia.formatting'

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) === 'shown'
  } catch {
    return false
  }
}

export const barShown = ref(stored())

watch(barShown, (shown) => {
  try {
    localStorage.setItem(KEY, shown ? 'shown' : 'hidden')
  } catch {
    // Blocked storage: it lasts as long as the page.
  }
})
