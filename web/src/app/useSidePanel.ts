/** What stands beside a conversation: its details, its pins or a thread, one at a time. */
import type { Ref } from 'vue'
import { ref, watch } from 'vue'

export type SidePanel = 'details' | 'pins'

export interface SidePanels {
  readonly shown: Readonly<Ref<SidePanel | null>>
  toggle: (panel: SidePanel) => void
  /** Whatever is there, the thread first. False when nothing was. */
  close: () => boolean
}

export function useSidePanel(thread: () => string | undefined, closeThread: () => void): SidePanels {
  const shown = ref<SidePanel | null>(null)

  function toggle(panel: SidePanel): void {
    shown.value = shown.value === panel ? null : panel
    if (shown.value !== null && thread() !== undefined) closeThread()
  }

  function close(): boolean {
    const open = thread() !== undefined || shown.value !== null
    if (thread() !== undefined) closeThread()
    else shown.value = null
    return open
  }

  watch(thread, (now) => {
    if (now !== undefined) shown.value = null
  })
  return { shown, toggle, close }
}
