/** Who wrote a row, as it is shown. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { useEntities } from '@/entities/store'

import type { MessageRow } from './rows'

export function useAuthor(row: () => MessageRow) {
  const { t } = useI18n()
  const entities = useEntities()
  const author = computed(() => entities.users.get(row().authorId))
  const name = computed(() => author.value?.display_name ?? t('people.unknown'))
  const badge = computed(() => {
    if (row().message?.ai) return t('messages.ai')
    return author.value?.kind === 'bot' ? t('messages.bot') : null
  })
  return { name, badge }
}
