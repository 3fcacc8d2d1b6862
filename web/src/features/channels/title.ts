import { useI18n } from 'vue-i18n'

import type { Channel } from '@/api/types'
import { channelTitle } from '@/entities/naming'
import { useEntities } from '@/entities/store'

/** Names a channel for the person who is logged in. */
export function useChannelTitle(): (channel: Channel) => string {
  const entities = useEntities()
  const { t } = useI18n()
  return (channel) =>
    channelTitle(channel, entities.myId, (id) => entities.users.get(id), t('people.unknown'))
}
