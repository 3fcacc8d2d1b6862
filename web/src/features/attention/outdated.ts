/** Which notifications of the operating system are of no use any more: what they are about was read or seen elsewhere, or is gone. Pure. */
import type { Envelope } from '@/api/events'
import type { Place } from '@/entities/place'
import { placeIn } from '@/entities/place'

/** What a notification that is shown is about. */
export interface About {
  readonly workspace: string
  /** What the server told. */
  readonly told: string
  readonly place: Place
  /** The message, and where it stands among those of its channel. */
  readonly message: string
  readonly seq: number
}

/** Null: the event makes nothing outdated. */
export function outdatedBy(event: Envelope): ((about: About) => boolean) | null {
  switch (event.type) {
    case 'read.updated': {
      const { channel_id: channelId, thread_id: threadId, read_seq: readSeq } = event.data
      return ({ place, seq }) => place === placeIn(channelId, threadId) && seq <= readSeq
    }
    case 'notifications.read': {
      const { read_id: readId } = event.data
      return ({ workspace, told }) => workspace === event.workspace_id && told <= readId
    }
    case 'message.deleted': {
      const { id } = event.data.message
      return ({ message }) => message === id
    }
    case 'notification.withdrawn': {
      const { message_id: id } = event.data.notification
      return ({ message }) => message === id
    }
    default:
      return null
  }
}
