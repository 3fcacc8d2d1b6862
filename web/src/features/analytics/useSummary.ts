/** What a picture shows, in a sentence: for those who do not see it, and for those in a hurry. */
import { useI18n } from 'vue-i18n'

import type { Report } from '@/api/analytics'

import { bars, peak, series, sum } from './table'
import { useFormat } from './useFormat'

type Thing = 'messages' | 'people' | 'runs' | 'tokens'

export function useSummary() {
  const { t } = useI18n()
  const format = useFormat()

  function over(report: Report | null, thing: Thing, ...columns: readonly string[]): string {
    if (report === null) return ''
    const points = series(report, ...columns)
    const highest = peak(points)
    if (highest === null) return ''
    // People of several days are not added up: the same person comes every day.
    const total = thing === 'people' ? (report.totals['active_users'] ?? 0) : sum(points)
    return t(`analytics.summary.${thing}`, {
      total: format.number(total),
      most: format.number(highest.value),
      time: format.time(highest.time, report.bucket),
    })
  }

  function busiest(report: Report | null): string {
    const [first] = report === null ? [] : bars(report, 1)
    if (report === null || first === undefined || first.id === null) return ''
    const name = first.name ?? t('analytics.directConversation')
    return t('analytics.summary.channels', { name, messages: format.number(first.value) }, report.totals['channels'] ?? 0)
  }

  return { over, busiest }
}
