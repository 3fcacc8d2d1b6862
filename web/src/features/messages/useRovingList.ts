/** One tab stop for the whole list; arrows, Home and End move between messages (`data-key`). */
import type { ComputedRef, Ref } from 'vue'
import { computed, ref } from 'vue'

export function useRovingList(box: Readonly<Ref<HTMLElement | null>>, keys: ComputedRef<string[]>) {
  const chosen = ref<string | null>(null)
  const current = computed(() =>
    chosen.value !== null && keys.value.includes(chosen.value) ? chosen.value : (keys.value.at(-1) ?? null),
  )

  function focus(key: string | undefined): void {
    if (key === undefined) return
    chosen.value = key
    box.value?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus()
  }

  function onKey(event: KeyboardEvent): void {
    // Only when the row itself has the focus, not a link or button in it.
    if (!(event.target as HTMLElement).matches('[data-key]')) return
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const at = keys.value.indexOf(current.value ?? '')
    if (event.key === 'ArrowUp' || event.key === 'k') focus(keys.value[at - 1])
    else if (event.key === 'ArrowDown' || event.key === 'j') focus(keys.value[at + 1])
    else if (event.key === 'Home') focus(keys.value[0])
    else if (event.key === 'End') focus(keys.value.at(-1))
    else return
    event.preventDefault()
  }

  function onFocus(event: FocusEvent): void {
    const key = (event.target as HTMLElement).closest<HTMLElement>('[data-key]')?.dataset['key']
    if (key !== undefined) chosen.value = key
  }

  return { current, focus, onKey, onFocus }
}
