/** One report of the range that is shown. A newer question aborts the older one. */
import { onScopeDispose, ref, shallowRef, watch } from 'vue'

import type { Report, ReportName } from '@/api/analytics'
import { analytics } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'

import type { Range } from './range'
import { questionOf } from './range'

export function useReport(name: ReportName, workspaceId: () => string, range: () => Range) {
  const report = shallowRef<Report | null>(null)
  const problem = shallowRef<Problem | null>(null)
  const loading = ref(false)
  let abort: AbortController | null = null

  async function load(): Promise<void> {
    abort?.abort()
    const mine = new AbortController()
    abort = mine
    loading.value = true
    try {
      const answer = await analytics.report(workspaceId(), name, questionOf(range()), mine.signal)
      if (abort !== mine) return
      report.value = answer
      problem.value = null
    } catch (error) {
      if (abort !== mine) return
      problem.value = asProblem(error)
      report.value = null
    } finally {
      if (abort === mine) loading.value = false
    }
  }

  // By value: the address is read anew with every navigation.
  watch(() => JSON.stringify([workspaceId(), questionOf(range())]), load, { immediate: true })
  onScopeDispose(() => abort?.abort())

  return { report, problem, loading, load }
}

export type ReportState = ReturnType<typeof useReport>
