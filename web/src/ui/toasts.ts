/** Short notes at the bottom that go by themselves: "Link copied". Errors stay where they happened instead. */
import { readonly, ref } from 'vue'

const SHOWN_MS = 4_000

export interface Toast {
  id: number
  text: string
}

const list = ref<Toast[]>([])
let last = 0

export const toasts = readonly(list)

export function toast(text: string): void {
  const id = ++last
  list.value = [...list.value.slice(-2), { id, text }]
  setTimeout(() => (list.value = list.value.filter((item) => item.id !== id)), SHOWN_MS)
}
