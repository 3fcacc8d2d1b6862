/** A list that comes in pages, the newest first; asking anew keeps what is shown until the answer is there. */
import { ref, shallowRef } from 'vue'

import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'

interface Page<Item> {
  items: Item[]
  next: string | null
}

export function usePages<Item>(ask: (cursor: string | null) => Promise<Page<Item>>) {
  const items = shallowRef<readonly Item[] | null>(null)
  const next = ref<string | null>(null)
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)
  /** Rises with each question: an older answer is dropped. */
  let generation = 0

  async function load(cursor: string | null): Promise<void> {
    const mine = ++generation
    busy.value = true
    problem.value = null
    try {
      const page = await ask(cursor)
      if (mine !== generation) return
      items.value = cursor === null ? page.items : [...(items.value ?? []), ...page.items]
      next.value = page.next
    } catch (error) {
      if (mine === generation) problem.value = asProblem(error)
    } finally {
      if (mine === generation) busy.value = false
    }
  }

  function forget(): void {
    generation += 1
    items.value = null
  }

  return { items, next, busy, problem, forget, again: () => load(null), more: () => load(next.value) }
}
