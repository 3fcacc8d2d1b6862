/** Rings for what the server decided that I am told of, and takes it away again once it is of no use. */
import { onScopeDispose } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Notification } from '@/api/attention'
import { messages } from '@/api/endpoints'
import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'
import { placeIn } from '@/entities/place'
import { isQuiet } from '@/entities/quiet'
import { saidIn } from '@/entities/quoteText'
import { useEntities } from '@/entities/store'
import { useLine } from '@/ui/markdown/useLine'

import type { Bell } from './desktop'
import { dismiss, ring, tellFocus, wordsShown } from './desktop'
import { useNotifications } from './notifications'
import { outdatedBy } from './outdated'
import { useNaming } from './useNaming'

const SHOWN = 200

/** `pathOf` says where a message is; `open` leads there. */
export function useDesktop(pathOf: (message: Message) => string, open: (path: string) => void): (event: Envelope) => void {
  const { t } = useI18n()
  const entities = useEntities()
  const notifications = useNotifications()
  const { person, place } = useNaming()
  const line = useLine()
  onScopeDispose(tellFocus())

  function isWanted(told: Notification, workspaceId: string): boolean {
    const { id, channel_id: channelId, thread_id: threadId, ch_seq: seq, silent } = told
    // It may have been decided before I wanted to be left alone.
    if (silent || (entities.me !== null && isQuiet(entities.me.presence, Date.now()))) return false
    if (notifications.isSeen(workspaceId, id)) return false
    return seq > (entities.cursorOf(placeIn(channelId, threadId))?.readSeq ?? 0)
  }

  async function bellFor(told: Notification): Promise<Bell | null> {
    try {
      const { message } = await messages.get(told.message_id)
      if (message.deleted_at !== null) return null
      const [name, channel] = [person(message.author_id), place(message.channel_id)]
      const title = name === channel ? name : t('attention.somebodyIn', { name, channel })
      const body = wordsShown.value ? await line.soon(saidIn(message), SHOWN) : t(`attention.reasons.${told.reason}`)
      const about = { workspace: message.workspace_id, told: told.id, message: message.id, seq: told.ch_seq }
      return { title, body, path: pathOf(message), place: placeIn(told.channel_id, told.thread_id), ...about }
    } catch (error) {
      // It is gone, or the server is: nothing to show.
      asProblem(error)
      return null
    }
  }

  return (event) => {
    const isOutdated = outdatedBy(event)
    if (isOutdated !== null) void dismiss(isOutdated)
    if (event.type !== 'notification.created') return
    const { notification } = event.data
    const workspaceId = event.workspace_id ?? ''
    void ring(notification, () => isWanted(notification, workspaceId), () => bellFor(notification), open)
  }
}
