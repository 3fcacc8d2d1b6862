/** In which workspace the first steps are still shown to me. In this browser: they are about this page. */
import { ref } from 'vue'

const KEY = 'tertulia.firstSteps'

const shown = ref(read())

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

export const firstSteps = {
  shownIn: (workspaceId: string): boolean => shown.value === workspaceId,

  show(workspaceId: string | null): void {
    shown.value = workspaceId
    try {
      if (workspaceId === null) localStorage.removeItem(KEY)
      else localStorage.setItem(KEY, workspaceId)
    } catch {
      // Blocked storage: they are gone with the page.
    }
  },
}
