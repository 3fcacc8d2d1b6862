/** Tells a screen reader what others say in the open channel, and in the open thread. */
import { onBeforeUnmount } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Message } from '@/api/types'
import { isDirect } from '@/entities/naming'
import { usePreferences } from '@/entities/preferences'
import { useEntities } from '@/entities/store'
import { saidIn } from '@/entities/quoteText'
import { isAside } from '@/entities/thread'
import { announce } from '@/ui/announcer'
import { useLine } from '@/ui/markdown/useLine'

import { useLive } from './live'

/** Of a longer message the beginning is heard; the rest is in the list. */
const SPOKEN = 500

export function useAnnouncing(channelId: string, title: () => string, openThread: () => string | null): void {
  const { t } = useI18n()
  const entities = useEntities()
  const preferences = usePreferences()
  const line = useLine()

  /** Whoever wishes to hear less hears of what is meant for them. */
  function isForMe(message: Message): boolean {
    const channel = entities.channels.get(message.channel_id)?.channel
    return message.mentions.includes(entities.myId) || (channel !== undefined && isDirect(channel))
  }

  onBeforeUnmount(
    useLive().onEvent((event) => {
      if (event.type !== 'message.created' || event.channel_id !== channelId) return
      const { message } = event.data
      if (message.author_id === entities.myId || message.system) return
      if (preferences.current.fewerAnnouncements && !isForMe(message)) return
      const name = entities.users.get(message.author_id)?.display_name ?? t('people.unknown')
      const text = line.plain(saidIn(message), SPOKEN)
      if (!isAside(message)) {
        announce(t('messages.announced', { name, channel: title(), text }), (count) =>
          t('messages.announcedMany', { channel: title() }, count),
        )
      } else if (message.thread_id === openThread()) {
        announce(t('thread.announced', { name, text }), (count) => t('thread.announcedMany', count))
      }
    }),
  )
}
