/** How much more fits into a message, once it matters. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { COUNT_FROM, lengthOf, LIMIT } from './length'

export function useLength(text: ComputedRef<string>) {
  const { t, n } = useI18n()
  const length = computed(() => lengthOf(text.value))
  const tooLong = computed(() => length.value > LIMIT)
  const counter = computed(() => {
    if (length.value < COUNT_FROM) return null
    return tooLong.value
      ? t('composer.tooLong', { over: n(length.value - LIMIT) })
      : t('composer.left', { left: n(LIMIT - length.value) })
  })
  return { tooLong, counter }
}
