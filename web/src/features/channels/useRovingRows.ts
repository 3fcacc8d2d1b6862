/**
 * The sidebar is one stop of the Tab key. Up, Down, Home and End move between its rows (`data-row`, and whatever stands in no
 * line); inside a line (`data-line`) the arrows beside lead to its buttons and back.
 */
import type { Ref } from 'vue'
import { onBeforeUnmount, onMounted } from 'vue'

function isShown(element: HTMLElement): boolean {
  return element.offsetParent !== null
}

export function useRovingRows(root: Readonly<Ref<HTMLElement | null>>): { onKey: (event: KeyboardEvent) => void; settle: () => void } {
  let current: HTMLElement | null = null
  const observer = new MutationObserver(settle)

  function all(): HTMLElement[] {
    const found = [...(root.value?.querySelectorAll<HTMLElement>('a[href], button') ?? [])]
    return found.filter((element) => element.closest('[role="menu"]') === null)
  }

  function rows(): HTMLElement[] {
    return all().filter((element) => isShown(element) && (element.matches('[data-row]') || element.closest('[data-line]') === null))
  }

  /** Exactly one of them is reached by Tab: the one last used, else the conversation that is open. */
  function settle(): void {
    const elements = all()
    const focused = elements.find((element) => element === document.activeElement)
    const kept = elements.find((element) => element === current && isShown(element))
    const open = elements.find((element) => element.matches('[aria-current="page"]') && isShown(element))
    current = focused ?? kept ?? open ?? rows()[0] ?? null
    for (const element of elements) element.tabIndex = element === current ? 0 : -1
  }

  function onKey(event: KeyboardEvent): void {
    const from = event.target as HTMLElement
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || from.closest('[role="menu"]')) return
    const next = beside(event.key, from) ?? vertical(event.key, from)
    if (next === undefined) return
    event.preventDefault()
    next.focus()
    settle()
  }

  function beside(key: string, from: HTMLElement): HTMLElement | undefined {
    const rtl = getComputedStyle(from).direction === 'rtl'
    const step = { ArrowRight: rtl ? -1 : 1, ArrowLeft: rtl ? 1 : -1 }[key]
    const line = from.closest('[data-line]')
    if (step === undefined || line === null) return undefined
    const inside = all().filter((element) => line.contains(element) && isShown(element))
    return inside[inside.indexOf(from) + step]
  }

  function vertical(key: string, from: HTMLElement): HTMLElement | undefined {
    const rowsNow = rows()
    const row = from.closest('[data-line]')?.querySelector<HTMLElement>('[data-row]') ?? from
    const at = rowsNow.indexOf(row)
    if (at < 0) return undefined
    return { ArrowDown: rowsNow[at + 1], ArrowUp: rowsNow[at - 1], Home: rowsNow[0], End: rowsNow.at(-1) }[key]
  }

  onMounted(() => {
    if (root.value !== null) observer.observe(root.value, { childList: true, subtree: true })
    settle()
  })
  onBeforeUnmount(() => observer.disconnect())
  return { onKey, settle }
}
