/**
 * The keyboard of a completion list: the focus stays in the field, `aria-activedescendant` names the chosen line.
 * Up and Down choose, Tab and Enter take, Esc closes until the text changes.
 */
import type { ComputedRef } from 'vue'
import { computed, ref, useId, watch } from 'vue'

import type { Suggestion } from './suggestion'

interface Options {
  /** The first line is chosen from the start; otherwise Enter belongs to the field until somebody chooses. */
  eager: boolean
}

export function useSuggestions<T extends Suggestion>(
  items: ComputedRef<readonly T[]>,
  take: (item: T) => void,
  { eager }: Options,
) {
  const listId = useId()
  const closed = ref(false)
  const at = ref(-1)
  const open = computed(() => !closed.value && items.value.length > 0)
  const activeId = computed(() => (open.value && at.value >= 0 ? optionId(at.value) : undefined))

  // A list with the same lines is the same list: its objects are made anew with every key.
  watch(
    () => items.value.map((item) => item.key).join('\n'),
    () => {
      closed.value = false
      at.value = eager ? 0 : -1
    },
    { immediate: true, flush: 'sync' },
  )

  function optionId(index: number): string {
    return `${listId}-${index}`
  }

  function choose(index: number): void {
    const item = items.value[index]
    if (item !== undefined) take(item)
  }

  /** True when the key was for the list. */
  function onKey(event: KeyboardEvent): boolean {
    if (!open.value || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) at.value = (at.value + step + items.value.length) % items.value.length
    else if (event.key === 'Escape') closed.value = true
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey && at.value >= 0) choose(at.value)
    else return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }

  return { listId, open, at, activeId, optionId, choose, onKey, close: () => (closed.value = true) }
}
