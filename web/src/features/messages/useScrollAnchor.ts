/**
 * Keeps what a person reads where it is. At the end the list follows new messages; anywhere else the first visible
 * row stays in its place while rows come in above or below or change their height.
 */
import type { Ref } from 'vue'
import { onBeforeUnmount, onMounted, ref } from 'vue'

/** This close to the end counts as being there, in px. */
const AT_END = 48

export interface Place {
  /** Key of the first visible row, or null for the end of the list. */
  key: string | null
  /** Its distance from the top of the list, in px. */
  offset: number
}

/** Where each channel was left, for as long as the page lives. */
const places = new Map<string, Place>()

export function useScrollAnchor(listId: string, box: Readonly<Ref<HTMLElement | null>>, onScrolled: () => void) {
  const atEnd = ref(true)
  const farFromEnd = ref(false)
  let place: Place = places.get(listId) ?? { key: null, offset: 0 }
  let observer: ResizeObserver | undefined

  function row(key: string): HTMLElement | null {
    const name = CSS.escape(key)
    return box.value?.querySelector<HTMLElement>(`[data-key="${name}"], [data-divider="${name}"]`) ?? null
  }

  function measure(): void {
    const element = box.value
    if (element === null) return
    const rest = element.scrollHeight - element.scrollTop - element.clientHeight
    atEnd.value = rest < AT_END
    farFromEnd.value = rest > element.clientHeight
    place = atEnd.value ? { key: null, offset: 0 } : firstVisible(element)
    places.set(listId, place)
  }

  /** Only messages: a day's heading moves when older messages of that day come in above it. */
  function firstVisible(element: HTMLElement): Place {
    const top = element.getBoundingClientRect().top
    for (const child of element.querySelectorAll<HTMLElement>('[data-key]')) {
      const rect = child.getBoundingClientRect()
      if (rect.bottom > top) return { key: child.dataset['key'] ?? null, offset: rect.top - top }
    }
    return { key: null, offset: 0 }
  }

  /** Puts the view back to its place after the rows changed. */
  function settle(): void {
    const element = box.value
    if (element === null) return
    const anchor = place.key === null ? null : row(place.key)
    if (anchor === null) element.scrollTop = element.scrollHeight
    else {
      const offset = anchor.getBoundingClientRect().top - element.getBoundingClientRect().top
      element.scrollTop += offset - place.offset
    }
  }

  function toEnd(): void {
    place = { key: null, offset: 0 }
    settle()
    measure()
  }

  /** Shows a row at a share of the list's height, and stays there. */
  function toRow(key: string, share: number): boolean {
    const element = box.value
    if (element === null || row(key) === null) return false
    place = { key, offset: element.clientHeight * share }
    settle()
    measure()
    return true
  }

  function onScroll(): void {
    measure()
    onScrolled()
  }

  onMounted(() => {
    const element = box.value
    if (element === null) return
    element.addEventListener('scroll', onScroll, { passive: true })
    observer = new ResizeObserver(settle)
    observer.observe(element)
    for (const child of element.children) observer.observe(child)
    settle()
  })

  onBeforeUnmount(() => {
    observer?.disconnect()
    box.value?.removeEventListener('scroll', onScroll)
  })

  return { atEnd, farFromEnd, settle, toEnd, toRow, kept: places.has(listId) && place.key !== null }
}
