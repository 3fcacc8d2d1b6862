/** Everybody whose name the rows of these messages need. Pure. */
import type { Message } from '@/api/types'

import { MOST_NAMED } from './notes'

export function* peopleOf(messages: readonly Message[]): Iterable<string> {
  for (const { author_id: author, system, thread, reactions, forwarded, pinned } of messages) {
    yield author
    if (forwarded !== null) yield forwarded.author_id
    if (pinned !== null) yield pinned.by
    yield* system?.user_ids.slice(0, MOST_NAMED) ?? []
    yield* thread?.last_repliers ?? []
    for (const { user_ids: people } of reactions) yield* people
  }
}
