/**
 * What a screen reader is told: a polite region of at most five lines, at most one new line every 2 s.
 * The message list itself is never live, or readers would repeat the whole of it.
 */
import { readonly, ref } from 'vue'

const LINES = 5
const EVERY_MS = 2_000

const shown = ref<readonly { id: number; text: string }[]>([])
let waiting: string[] = []
let last = 0
let timer: ReturnType<typeof setTimeout> | undefined

export const announcements = readonly(shown)

/** `summary` makes one line of several that came together. */
export function announce(text: string, summary: (count: number) => string): void {
  waiting.push(text)
  timer ??= setTimeout(() => {
    timer = undefined
    const line = waiting.length === 1 ? (waiting[0] ?? '') : summary(waiting.length)
    waiting = []
    shown.value = [...shown.value.slice(1 - LINES), { id: ++last, text: line }]
  }, EVERY_MS)
}
