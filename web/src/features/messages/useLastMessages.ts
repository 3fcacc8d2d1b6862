/** Up in an empty composer changes what I said last; Shift+Up answers what was said last. */
import type { Message } from '@/api/types'
import type { Place } from '@/entities/place'
import { threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { inChannel } from '@/entities/thread'
import { useWishes } from '@/entities/wishQueue'

import { startEditing } from './editing'

export function useLastMessages(place: Place) {
  const entities = useEntities()
  const wishes = useWishes()

  function last(fits: (message: Message) => boolean): Message | undefined {
    const items = entities.timelines.get(place)?.items ?? []
    const shown = threadOf(place) === null ? inChannel(items) : items
    return shown.findLast((message) => wishes.shown(message).deleted_at === null && !message.system && fits(message))
  }

  /** `back` gets the focus afterwards. */
  function editLast(back: () => void): void {
    const message = last(({ author_id: author, forwarded, ai }) => author === entities.myId && !forwarded && !ai)
    if (message !== undefined) startEditing(message.id, back)
  }

  return { editLast, last: () => last(() => true)?.id ?? null }
}
