/** One tab stop for the whole list; keys of the map move between messages (`data-key`), also to one that is not in the page. */
import type { Ref } from 'vue'
import { computed, nextTick, ref } from 'vue'

import { actionFor } from '@/ui/actions'

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
    const moves: Record<string, () => string | undefined> = {
      above: () => beside(-1)?.key,
      below: () => beside(1)?.key,
      first: () => rows.value.find(isMessage)?.key,
      last: () => last()?.key,
    }
    const move = moves[actionFor(event, 'message') ?? '']
    if (move === undefined) return
    focus(move())
    event.preventDefault()
  }

  function onFocus(event: FocusEvent): void {
    const key = (event.target as HTMLElement).closest<HTMLElement>('[data-key]')?.dataset['key']
    if (key !== undefined) chosen.value = key
  }

  return { current, focus, onKey, onFocus }
}
