/** What a channel says by itself (who came, what it is called now), in the reader's words. Pure. */
import type { SystemNote } from '@/api/types'

type Say = (key: string, values: Record<string, string>) => string

/** Named; the rest is counted. */
export const MOST_NAMED = 3

const SAID = new Set([
  'joined', 'added', 'left', 'removed', 'renamed', 'topic_changed', 'purpose_changed', 'became_private', 'archived',
  'unarchived', 'pinned',
])
const CLEARED = new Map([['topic_changed', 'topic_cleared'], ['purpose_changed', 'purpose_cleared']])

/** Null for a kind that this page does not know: the message's own text says it. */
export function keyOf(note: SystemNote): string | null {
  if (!SAID.has(note.kind)) return null
  return note.after === '' ? (CLEARED.get(note.kind) ?? note.kind) : note.kind
}

/** `author` did it; whoever joined or left did it themselves. */
export function noteText(
  note: SystemNote,
  author: string,
  name: (userId: string) => string,
  say: Say,
  list: (names: readonly string[], more: number) => string,
): string | null {
  const key = keyOf(note)
  if (key === null) return null
  const named = note.user_ids.slice(0, MOST_NAMED).map(name)
  const people = list(named, Math.max(0, note.count - named.length))
  const themselves = note.kind === 'joined' || note.kind === 'left'
  return say(key, {
    who: themselves && named.length > 0 ? people : author,
    whom: people,
    before: note.before ?? '',
    after: note.after ?? '',
  })
}
