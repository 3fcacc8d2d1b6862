/** Asks for a query's results. An answer that a newer question has overtaken is dropped and its request aborted. */
import { computed, onScopeDispose, ref, shallowRef } from 'vue'

import { search } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { SearchAnswer, Sort } from '@/api/search'

export interface Question {
  readonly q: string
  readonly sort: Sort
}

export function useSearch(workspaceId: () => string) {
  const answer = shallowRef<SearchAnswer | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref<'first' | 'more' | null>(null)
  let question: Question | null = null
  let abort: AbortController | null = null

  async function fetchPage(part: 'first' | 'more', asked: Question, cursor: string | null): Promise<void> {
    abort?.abort()
    const mine = new AbortController()
    abort = mine
    loading.value = part
    try {
      const page = await search.messages(workspaceId(), { ...asked, cursor }, mine.signal)
      if (abort !== mine) return
      const above = part === 'more' ? (answer.value?.hits ?? []) : []
      const seen = new Set(above.map((hit) => hit.message_id))
      answer.value = { ...page, hits: [...above, ...page.hits.filter((hit) => !seen.has(hit.message_id))] }
      problem.value = null
    } catch (error) {
      if (abort !== mine) return
      problem.value = asProblem(error)
      // What an earlier question found must not stand under this one.
      if (part === 'first') answer.value = null
    } finally {
      if (abort === mine) loading.value = null
    }
  }

  async function ask(asked: Question): Promise<void> {
    question = asked
    if (asked.q.trim() === '') return forget()
    await fetchPage('first', asked, null)
  }

  async function more(): Promise<void> {
    const cursor = answer.value?.next ?? null
    if (question !== null && cursor !== null && loading.value === null) await fetchPage('more', question, cursor)
  }

  async function again(): Promise<void> {
    if (question !== null) await ask(question)
  }

  function forget(): void {
    abort?.abort()
    abort = null
    answer.value = null
    problem.value = null
    loading.value = null
  }

  onScopeDispose(() => abort?.abort())

  return { answer, problem, loading, ask, more, again, hasMore: computed(() => (answer.value?.next ?? null) !== null) }
}
