/** Whether a row is pointed at or holds the focus. A finger does not point: it gives the focus. */
import { computed, ref } from 'vue'

export function useInUse() {
  const pointed = ref(false)
  const focused = ref(false)
  return {
    inUse: computed(() => pointed.value || focused.value),
    listeners: {
      pointerenter: (event: PointerEvent) => (pointed.value = event.pointerType !== 'touch'),
      pointerleave: () => (pointed.value = false),
      focusin: () => (focused.value = true),
      focusout: (event: FocusEvent) =>
        (focused.value = (event.currentTarget as HTMLElement).contains(event.relatedTarget as Node | null)),
    },
  }
}
