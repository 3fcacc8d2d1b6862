/**
 * Whether a row is pointed at or holds the focus. A finger does not point: it gives the focus. While a menu or a dialog
 * is open above the page this stays as it was, since what opened it may be a button that only a row in use has.
 */
import { computed, ref } from 'vue'

import { afterLayers, layersAreOpen } from '@/ui/layers'

export function useInUse() {
  const pointed = ref(false)
  const focused = ref(false)

  function look(row: HTMLElement): void {
    pointed.value &&= row.matches(':hover')
    focused.value = row.contains(document.activeElement)
  }

  /** Now, or when the layers above are gone. */
  function leave(event: Event, now: () => void): void {
    const row = event.currentTarget as HTMLElement
    if (layersAreOpen()) afterLayers(() => look(row))
    else now()
  }

  return {
    inUse: computed(() => pointed.value || focused.value),
    listeners: {
      pointerenter: (event: PointerEvent) => {
        if (!layersAreOpen()) pointed.value = event.pointerType !== 'touch'
      },
      pointerleave: (event: PointerEvent) => leave(event, () => (pointed.value = false)),
      focusin: () => (focused.value = true),
      focusout: (event: FocusEvent) => {
        const inside = (event.currentTarget as HTMLElement).contains(event.relatedTarget as Node | null)
        leave(event, () => (focused.value = inside))
      },
    },
  }
}
