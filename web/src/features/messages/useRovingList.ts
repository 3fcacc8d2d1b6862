/** One tab stop for the whole list; arrows, Home and End move between messages (`data-key`), also to one that is not in the page. */
import type { Ref } from 'vue'
import { computed, nextTick, ref } from 'vue'

import type { Row } from './rows'
import { indexNear } from './rows'

export function useRovingList(list: Readonly<Ref<HTMLElement | null>>, rows: Readonly<Ref<readonly Row[]>>) {
  const chosen = ref<string | null>(null)
  /** Where it was found last. */
  let near = 0
  const current = computed(() => (indexOf(chosen.value) < 0 ? (last()?.key ?? null) : chosen.value))

  function indexOf(key: string | null): number {
    const index = key === null ? -1 : indexNear(rows.value, key, near)
    if (index >= 0) near = index
    return index
  }

  function isMessage(row: Row): boolean {
    return row.kind === 'message'
  }

  function last(): Row | undefined {
    return rows.value.findLast(isMessage)
  }

  /** The message above (-1) or below (1) the current one. */
  function beside(step: -1 | 1): Row | undefined {
    let index = indexOf(current.value)
    do index += step
    while (rows.value[index] !== undefined && rows.value[index]?.kind !== 'message')
    return rows.value[index]
  }

  function element(key: string): HTMLElement | null {
    return list.value?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null
  }

  /** The current row is always in the page; the browser scrolls to what has the focus. */
  function focus(key: string | undefined): void {
    if (key === undefined) return
    chosen.value = key
    const row = element(key)
    if (row !== null) row.focus()
    else void nextTick(() => element(key)?.focus())
  }

  function onKey(event: KeyboardEvent): void {
    // Only when the row itself has the focus, not a link or button in it.
    if (!(event.target as HTMLElement).matches('[data-key]')) return
    if (event.altKey || event.ctrlKey || event.metaKey) return
    if (event.key === 'ArrowUp' || event.key === 'k') focus(beside(-1)?.key)
    else if (event.key === 'ArrowDown' || event.key === 'j') focus(beside(1)?.key)
    else if (event.key === 'Home') focus(rows.value.find(isMessage)?.key)
    else if (event.key === 'End') focus(last()?.key)
    else return
    event.preventDefault()
  }

  function onFocus(event: FocusEvent): void {
    const key = (event.target as HTMLElement).closest<HTMLElement>('[data-key]')?.dataset['key']
    if (key !== undefined) chosen.value = key
  }

  return { current, focus, onKey, onFocus }
}
