/** People and places of messages, as the lists of this room show them. */
import { useI18n } from 'vue-i18n'

import type { Message } from '@/api/types'
import { channelTitle, isDirect } from '@/entities/naming'
import { useEntities } from '@/entities/store'
import { rootOf } from '@/entities/thread'

export function useNaming() {
  const { t } = useI18n()
  const entities = useEntities()

  const person = (id: string) => entities.users.get(id)?.display_name ?? t('people.unknown')

  function place(channelId: string): string {
    const channel = entities.channels.get(channelId)?.channel
    if (channel === undefined) return t('search.someChannel')
    const title = channelTitle(channel, entities.myId, (id) => entities.users.get(id), t('people.unknown'))
    return isDirect(channel) ? title : `#${title}`
  }

  return { person, place }
}

/** Where a message is read: a reply beside its channel, unless it was sent there too. */
export function placeOf(slug: string, message: Pick<Message, 'id' | 'channel_id' | 'thread_id' | 'in_channel'>) {
  const params = { workspace: slug, channel: message.channel_id }
  const aside = message.thread_id !== null && !message.in_channel
  return aside
    ? { name: 'thread', params: { ...params, thread: message.id } }
    : { name: 'channel', params: { ...params, m: 'm', message: message.id } }
}

export function threadPlace(slug: string, message: Message) {
  return { name: 'thread', params: { workspace: slug, channel: message.channel_id, thread: rootOf(message) } }
}
