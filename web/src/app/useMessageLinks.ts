/** Addresses of messages: for copying, and for the `[n]` in an answer's text. */
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'

import type { AiMark } from '@/api/ai'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'
import type { References } from '@/ui/markdown/grammar'

export function useMessageLinks(workspace: () => string, place: Place) {
  const { t } = useI18n()
  const router = useRouter()
  const entities = useEntities()

  function channelLink(messageId: string, channelId: string): string {
    const params = { workspace: workspace(), channel: channelId, m: 'm', message: messageId }
    return location.origin + router.resolve({ name: 'channel', params }).href
  }

  /** A message of this place, where it stands. */
  function linkTo(messageId: string): string {
    if (threadOf(place) === null) return channelLink(messageId, place)
    const params = { workspace: workspace(), channel: channelOf(place), thread: messageId }
    return location.origin + router.resolve({ name: 'thread', params }).href
  }

  /** With the words of the message they lead to. */
  function referencesOf(mark: AiMark): References {
    const entries = mark.citations.map((citation) => {
      const label = t('runs.quoted', {
        author: entities.users.get(citation.author_id)?.display_name ?? t('people.unknown'),
        quote: citation.quote,
      })
      return [citation.n, { href: channelLink(citation.message_id, citation.channel_id), label }] as const
    })
    return Object.fromEntries(entries)
  }

  return { linkTo, referencesOf }
}
