/** Short notes at the bottom that go by themselves: "Link copied". Errors stay where they happened instead. */
import { readonly, ref } from 'vue'

const SHOWN_MS = 4_000

/** What can be done about it while it is shown; doing it takes the note away. */
export interface ToastAction {
  label: string
  run: () => void
}

export interface Toast {
  id: number
  text: string
  action: ToastAction | null
}

const list = ref<Toast[]>([])
let last = 0

export const toasts = readonly(list)

export function toast(text: string, { action = null, ms = SHOWN_MS }: { action?: ToastAction | null; ms?: number } = {}): void {
  const id = ++last
  list.value = [...list.value.slice(-2), { id, text, action }]
  setTimeout(() => dismiss(id), ms)
}

export function dismiss(id: number): void {
  list.value = list.value.filter((item) => item.id !== id)
}
