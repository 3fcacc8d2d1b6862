/**
 * Keeps what a person reads where it is. At the end the list follows new messages; anywhere else the first visible
 * row stays in its place while rows come in above or below or change their height. Where one reads decides which rows are
 * in the page (rowWindow.ts), and where those then stand decides how far the list is scrolled.
 */
import type { Ref } from 'vue'
import { nextTick, onBeforeUnmount, onMounted, ref, shallowRef, watch } from 'vue'

import { RowWindow } from './rowWindow'
import type { Slot } from './rowWindow'
import type { Row } from './rows'

/** This close to the end counts as being there, in px. */
const AT_END = 48
/** Before the list is laid out. */
const SOME_HEIGHT = 800

export interface Place {
  /** Key of the first visible row, or null for the end of the list. */
  key: string | null
  /** Its distance from the top of the list, in px. */
  offset: number
}

/** Where each channel was left, for as long as the page lives. */
const places = new Map<string, Place>()

export interface Scrolled {
  /** The element that scrolls. */
  box: Readonly<Ref<HTMLElement | null>>
  /** The list in it. */
  list: Readonly<Ref<HTMLElement | null>>
  rows: Readonly<Ref<readonly Row[]>>
  /** Keys of rows that stay in the page wherever they are: one has the focus, or is being written in. */
  kept: () => readonly string[]
  onScrolled: () => void
}

export function useScrollAnchor(listId: string, { box, list, rows, kept, onScrolled }: Scrolled) {
  const atEnd = ref(true)
  const farFromEnd = ref(false)
  const slots = shallowRef<readonly Slot[]>([])
  const window = new RowWindow()
  let place: Place = places.get(listId) ?? { key: null, offset: 0 }
  let layout: ResizeObserver | undefined
  let widening: ReturnType<typeof setTimeout> | undefined
  let heights: ResizeObserver | undefined
  const watched = new Map<Element, string>()

  function element(key: string): HTMLElement | null {
    const name = CSS.escape(key)
    return list.value?.querySelector<HTMLElement>(`[data-key="${name}"], [data-divider="${name}"]`) ?? null
  }

  /** Puts the rows around the place into the page. */
  function draw(): void {
    const start = place.key === null ? null : window.startOf(place.key)
    const offset = start === null ? Number.MAX_SAFE_INTEGER : start - place.offset
    const next = window.slots(offset, box.value?.clientHeight || SOME_HEIGHT, kept())
    const now = slots.value
    const same = next.length === now.length && next.every(({ row, gap }, i) => row === now[i]?.row && gap === now[i].gap)
    if (!same) slots.value = next
  }

  function change(next: readonly Row[]): void {
    const before = window.rows
    const index = place.key === null ? -1 : window.indexOf(place.key)
    window.setRows(next)
    // The row is gone: the one below it takes its place, else the one above.
    if (index >= 0 && window.indexOf(place.key ?? '') < 0) {
      const heirs = [...before.slice(index + 1, index + 100), ...before.slice(Math.max(0, index - 100), index).reverse()]
      place = { ...place, key: heirs.find(({ key }) => window.indexOf(key) >= 0)?.key ?? null }
    }
    draw()
  }

  function measure(): void {
    const view = box.value
    if (view === null) return
    const rest = view.scrollHeight - view.scrollTop - view.clientHeight
    atEnd.value = rest < AT_END
    farFromEnd.value = rest > view.clientHeight
    place = atEnd.value ? { key: null, offset: 0 } : firstVisible(view)
    places.set(listId, place)
  }

  /** Only messages: a day's heading moves when older messages of that day come in above it. */
  function firstVisible(view: HTMLElement): Place {
    const { top, bottom } = view.getBoundingClientRect()
    for (const child of list.value?.querySelectorAll<HTMLElement>('[data-key]') ?? []) {
      const rect = child.getBoundingClientRect()
      if (rect.top >= bottom) break
      if (rect.bottom > top) return { key: child.dataset['key'] ?? null, offset: rect.top - top }
    }
    // The view was pulled to where no rows are yet.
    const above = top - (list.value?.getBoundingClientRect().top ?? top)
    const { index, start } = window.at(above)
    return { key: window.rows[index]?.key ?? null, offset: start - above }
  }

  /** The messages of which all is on the screen, or that fill it: their keys. */
  function onScreen(): string[] {
    const view = box.value?.getBoundingClientRect()
    if (view === undefined) return []
    const { top, bottom } = view
    const seen = [...(list.value?.querySelectorAll<HTMLElement>('[data-key]') ?? [])].filter((child) => {
      const rect = child.getBoundingClientRect()
      return rect.bottom > top && rect.bottom <= bottom + 1 ? rect.top < bottom : rect.top <= top && rect.bottom > bottom
    })
    return seen.flatMap((child) => child.dataset['key'] ?? [])
  }

  /** Puts the view back to its place after the rows changed. */
  function settle(): void {
    const view = box.value
    if (view === null) return
    const anchor = place.key === null ? null : element(place.key)
    if (anchor !== null) {
      const offset = anchor.getBoundingClientRect().top - view.getBoundingClientRect().top
      if (offset !== place.offset) view.scrollTop += offset - place.offset
    } else if (place.key === null || window.indexOf(place.key) < 0) view.scrollTop = view.scrollHeight
  }

  function goTo(next: Place): void {
    place = next
    draw()
    settle()
    void nextTick(() => {
      settle()
      measure()
      draw()
    })
  }

  function toEnd(): void {
    goTo({ key: null, offset: 0 })
  }

  /** Shows a row at a share of the list's height, and stays there. */
  function toRow(key: string, share: number): boolean {
    if (box.value === null || window.indexOf(key) < 0) return false
    goTo({ key, offset: box.value.clientHeight * share })
    return true
  }

  function onScroll(): void {
    measure()
    draw()
    onScrolled()
  }

  /** Heights of the rows in the page, as they become known and change. */
  function watchHeights(): void {
    for (const child of watched.keys()) {
      if (child.isConnected) continue
      heights?.unobserve(child)
      watched.delete(child)
    }
    for (const child of list.value?.querySelectorAll<HTMLElement>(':scope > [data-key], :scope > [data-divider]') ?? []) {
      if (!watched.has(child)) heights?.observe(child)
      watched.set(child, child.dataset['key'] ?? child.dataset['divider'] ?? '')
    }
  }

  function onHeights(entries: ResizeObserverEntry[]): void {
    for (const { target, borderBoxSize } of entries) {
      const key = watched.get(target)
      if (key !== undefined && target.isConnected) window.measured(key, borderBoxSize[0]?.blockSize ?? 0)
    }
    draw()
    settle()
  }

  change(rows.value)
  watch(rows, change)
  watch(kept, draw)
  watch(slots, () => {
    settle()
    watchHeights()
  }, { flush: 'post' })

  onMounted(() => {
    const view = box.value
    if (view === null) return
    view.addEventListener('scroll', onScroll, { passive: true })
    heights = new ResizeObserver(onHeights)
    layout = new ResizeObserver(() => {
      draw()
      settle()
    })
    layout.observe(view)
    for (const child of view.children) layout.observe(child)
    watchHeights()
    draw()
    settle()
    // What is on the screen has been painted by then.
    requestAnimationFrame(() => (widening = setTimeout(widen)))
  })

  function widen(): void {
    if (box.value === null) return
    window.widen()
    draw()
  }

  onBeforeUnmount(() => {
    clearTimeout(widening)
    layout?.disconnect()
    heights?.disconnect()
    box.value?.removeEventListener('scroll', onScroll)
  })

  return { slots, atEnd, farFromEnd, settle, toEnd, toRow, onScreen, kept: places.has(listId) && place.key !== null }
}
