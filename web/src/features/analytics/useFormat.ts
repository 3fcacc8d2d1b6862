/** Times and numbers of reports. Buckets begin in UTC, so they are written in UTC. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Bucket, Cell, Column } from '@/api/analytics'

export function useFormat() {
  const { n, locale } = useI18n()
  const formats = computed(() => ({
    day: new Intl.DateTimeFormat(locale.value, { day: 'numeric', month: 'short', timeZone: 'UTC' }),
    hour: new Intl.DateTimeFormat(locale.value, { day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit', timeZone: 'UTC' }),
    compact: new Intl.NumberFormat(locale.value, { notation: 'compact', maximumFractionDigits: 1 }),
  }))

  const time = (value: number, bucket: Bucket) => formats.value[bucket === 'hour' ? 'hour' : 'day'].format(value)
  return {
    time,
    number: (value: number) => n(value, { maximumFractionDigits: 1 }),
    compact: (value: number) => formats.value.compact.format(value),
    share: (value: number) => n(value, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' }),
    cell: (value: Cell, column: Column, bucket: Bucket): string => {
      if (value === null) return ''
      if (column.type === 'time') return time(Date.parse(String(value)), column.name === 'time' ? bucket : 'hour')
      return typeof value === 'number' ? n(value, { maximumFractionDigits: 1 }) : value
    },
  }
}
