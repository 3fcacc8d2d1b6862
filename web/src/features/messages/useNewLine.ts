/** Whether what is new begins above the view, and when the first of it was said. */
import type { ComputedRef, Ref } from 'vue'
import { computed, ref } from 'vue'

import type { Message } from '@/api/types'
import type { Reader } from '@/entities/unread'
import { counts } from '@/entities/unread'

interface Line {
  box: Readonly<Ref<HTMLElement | null>>
  after: Readonly<Ref<number | null>>
  /** What is shown, in order. */
  messages: ComputedRef<readonly Message[]>
  /** Older ones exist. */
  hasBefore: () => boolean
  reader: () => Reader
}

export function useNewLine({ box, after, messages, hasBefore, reader }: Line) {
  const above = ref(false)
  /** The line can be drawn: where it belongs is loaded. */
  const drawn = computed(() => {
    const first = messages.value[0]
    if (after.value === null || first === undefined) return null
    return !hasBefore() || first.ch_seq <= after.value ? after.value : null
  })
  const since = computed(() => {
    let first: Message | null = null
    // From the end: the list may be long, and what is new is not.
    for (let at = messages.value.length - 1; at >= 0 && drawn.value !== null; at--) {
      const message = messages.value[at] as Message
      if (message.ch_seq <= drawn.value) break
      if (counts(message, reader())) first = message
    }
    return first === null ? null : Date.parse(first.created_at)
  })

  function measure(): void {
    const list = box.value
    above.value = list !== null && after.value !== null && liesAbove(list, after.value)
  }

  /** By the line itself, or by the first row in view where the line is not on the page. */
  function liesAbove(list: HTMLElement, seq: number): boolean {
    const top = list.getBoundingClientRect().top
    const line = list.querySelector('[data-divider="unread"]')
    if (line !== null) return line.getBoundingClientRect().bottom < top
    for (const row of list.querySelectorAll<HTMLElement>('[data-seq]')) {
      if (row.getBoundingClientRect().bottom > top) return Number(row.dataset['seq']) > seq
    }
    return false
  }

  return { above, drawn, since, measure }
}
