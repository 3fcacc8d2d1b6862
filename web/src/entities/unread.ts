/**
 * What is unread above a cursor. The server counts; between its words the page moves on from there, by the same rules.
 * Pure: a cursor is never changed in place.
 */
import type { Message } from '@/api/types'

import { isAside } from './thread'
import type { Timeline } from './timeline'

/** Numbers stop here, and then mean "or more". */
export const MANY = 1_000

export interface Cursor {
  /** Everything up to this `ch_seq` is read. */
  readonly readSeq: number
  /** Everything up to this `ch_seq` is in the numbers already. */
  readonly countedSeq: number
  readonly unread: number
  /** Unread messages that name me or an audience; in a direct conversation all of them. */
  readonly mentions: number
}

export interface Reader {
  readonly me: string
  readonly direct: boolean
  /** The thread whose replies are meant; null in a channel. */
  readonly thread: string | null
}

export interface Counts {
  readonly unread: number
  readonly mentions: number
}

/** At this number nothing is unread. */
export function cursorAt(seq: number): Cursor {
  return { readSeq: seq, countedSeq: seq, unread: 0, mentions: 0 }
}

/** Whether a message can be unread to somebody here: others wrote it, it is there, and it is shown in this place. */
export function counts(message: Message, { me, thread }: Reader): boolean {
  if (message.author_id === me || message.system || message.deleted_at !== null) return false
  return thread === null ? !isAside(message) : message.thread_id === thread
}

export function isMention(message: Message, { me, direct }: Reader): boolean {
  return direct || message.audience !== null || message.mentions.includes(me)
}

/** A message came with this event. */
export function withArrival<C extends Cursor>(cursor: C, message: Message, reader: Reader): C {
  const { ch_seq: seq } = message
  if (seq <= cursor.readSeq || seq <= cursor.countedSeq) return cursor
  return counts(message, reader) ? moved(cursor, 1, isMention(message, reader)) : cursor
}

/** A message was deleted by the event of number `seq`. */
export function withDeletion<C extends Cursor>(cursor: C, message: Message, seq: number, reader: Reader): C {
  if (message.ch_seq <= cursor.readSeq || seq <= cursor.countedSeq) return cursor
  return counts({ ...message, deleted_at: null }, reader) ? moved(cursor, -1, isMention(message, reader)) : cursor
}

/** At `MANY` nobody knows how many more there are. */
function moved<C extends Cursor>(cursor: C, by: 1 | -1, mention: boolean): C {
  const step = (count: number) => (count >= MANY ? count : Math.max(0, count + by))
  return { ...cursor, unread: step(cursor.unread), mentions: mention ? step(cursor.mentions) : cursor.mentions }
}

/** What is unread once the cursor stands at `seq`, as far as the loaded messages tell; the server says it exactly soon after. */
export function countsAt(cursor: Cursor, seq: number, timeline: Timeline, reader: Reader): Counts {
  const known = timeline.items.filter((message) => counts(message, reader))
  const first = timeline.items[0]
  const toEnd = !timeline.hasAfter && first !== undefined && (!timeline.hasBefore || first.ch_seq <= seq + 1)
  if (toEnd) return tally(known.filter((message) => message.ch_seq > seq), reader)
  const [from, to] = [Math.min(seq, cursor.readSeq), Math.max(seq, cursor.readSeq)]
  const between = tally(known.filter(({ ch_seq: at }) => at > from && at <= to), reader)
  const sign = seq > cursor.readSeq ? -1 : 1
  const sum = (now: number, change: number) => Math.min(MANY, Math.max(0, now + sign * change))
  return { unread: sum(cursor.unread, between.unread), mentions: sum(cursor.mentions, between.mentions) }
}

function tally(messages: readonly Message[], reader: Reader): Counts {
  return { unread: messages.length, mentions: messages.filter((message) => isMention(message, reader)).length }
}

/** "128", "999+". */
export function shownCount(count: number, format: (count: number) => string = String): string {
  return count >= MANY ? `${format(MANY - 1)}+` : format(count)
}

/** Something in a conversation calls for me: of a muted one only what names me does. */
export function isNew({ unread, mentions, preferences }: Counts & { readonly preferences: { readonly muted: boolean } }): boolean {
  return mentions > 0 || (unread > 0 && !preferences.muted)
}
