/** From messages to the rows of a list: day separators, and one header for what one person says in a row. Pure. */
import type { Message, SystemNote } from '@/api/types'
import type { TimeStyle } from '@/ui/time'
import { localDay, timeStyle } from '@/ui/time'

import type { Pending } from './delivery'

/** Messages of one author closer together than this share a header. */
export const GROUP_MS = 5 * 60_000

export interface DayRow {
  readonly kind: 'day'
  readonly key: string
  readonly time: number
}

/** The line above the first message that was unread when the channel was opened. */
export interface UnreadRow {
  readonly kind: 'unread'
  readonly key: 'unread'
}

export interface MessageRow {
  readonly kind: 'message'
  /** The `client_msg_id`: the row stays the same element when the server's answer comes. */
  readonly key: string
  readonly authorId: string
  readonly text: string
  readonly time: number
  /** With avatar, name and time; otherwise it goes under the row above. */
  readonly head: boolean
  readonly message: Message | null
  readonly pending: Pending | null
}

/** What the channel says by itself: never new, and it ends a group. */
export interface NoteRow {
  readonly kind: 'note'
  readonly key: string
  readonly time: number
  readonly message: Message
  readonly note: SystemNote
}

export type Row = DayRow | UnreadRow | MessageRow | NoteRow

type Line = Omit<MessageRow, 'kind' | 'head'>

/**
 * What was made of a message, for as long as the message is there: a list of a hundred thousand is gone through at each
 * change, and a row that is the same object as before is not drawn again.
 */
interface Made {
  readonly line: Line
  readonly day: number
  head?: MessageRow
  rest?: MessageRow
  note?: NoteRow
}

let madeOf = new WeakMap<Message | Pending, Made>()
/** Days are of the reader's time zone: with another one all is made anew. */
let madeFor: TimeStyle | null = null
const days = new Map<string, DayRow>()
const UNREAD: UnreadRow = { kind: 'unread', key: 'unread' }

/** `unreadAfter`: what was read when the channel was opened; `me` never reads their own words as new. */
export function buildRows(
  messages: readonly Message[],
  pending: readonly Pending[],
  unreadAfter: number | null = null,
  me = '',
): Row[] {
  if (madeFor !== timeStyle()) {
    madeOf = new WeakMap()
    days.clear()
    madeFor = timeStyle()
  }
  const rows: Row[] = []
  const waiting = new Map(pending.map((item) => [item.id, item]))
  const headed = new Set<number>()
  let lineDrawn = unreadAfter === null
  let above: Made | null = null

  function add(made: Made): void {
    const { line, day } = made
    const newDay = above === null || above.day !== day
    if (newDay) rows.push(dayRow(headed.has(day) ? `day:${day}:${line.key}` : `day:${day}`, line.time))
    headed.add(day)
    const first = !lineDrawn && isNew(line, unreadAfter ?? 0, me)
    if (first) rows.push(UNREAD)
    lineDrawn ||= first
    rows.push(rowOf(made, newDay || first || !continues(above?.line ?? null, line)))
    above = made
  }

  for (const message of messages) {
    if (waiting.size > 0) waiting.delete(message.client_msg_id)
    if (!message.system || message.deleted_at === null) add(make(message, sentLine))
  }
  for (const item of waiting.values()) add(make(item, pendingLine))
  return rows
}

function make<Source extends Message | Pending>(source: Source, lineOf: (source: Source) => Line): Made {
  const known = madeOf.get(source)
  if (known !== undefined) return known
  const line = lineOf(source)
  const made: Made = { line, day: localDay(line.time) }
  madeOf.set(source, made)
  return made
}

function rowOf(made: Made, head: boolean): Row {
  const { line } = made
  const note = line.message?.system ?? null
  if (line.message !== null && note !== null) {
    return (made.note ??= { kind: 'note', key: line.key, time: line.time, message: line.message, note })
  }
  if (head) return (made.head ??= { kind: 'message', head, ...line })
  return (made.rest ??= { kind: 'message', head, ...line })
}

/**
 * Says the day, so whichever message of it comes first. A day comes twice where messages that were taken over from
 * elsewhere stand behind later ones; each heading has a key of its own then.
 */
function dayRow(key: string, time: number): DayRow {
  const known = days.get(key)
  if (known !== undefined) return known
  const row: DayRow = { kind: 'day', key, time }
  days.set(key, row)
  return row
}

function isNew(line: Line, unreadAfter: number, me: string): boolean {
  const { message } = line
  return message !== null && !message.system && message.ch_seq > unreadAfter && line.authorId !== me
}

function continues(above: Line | null, line: Line): boolean {
  // An answer always says by whom and for whom.
  if (above === null || above.message?.system || line.message?.ai) return false
  // What a thread is about stands apart from the replies.
  if (isReply(above) !== isReply(line)) return false
  return above.authorId === line.authorId && line.time - above.time < GROUP_MS
}

function isReply({ message, pending }: Line): boolean {
  return (message?.thread_id ?? pending?.threadId ?? null) !== null
}

/** Where the row with this key stands, looked for from `near` on in both directions: a list may be long. -1: nowhere. */
export function indexNear(rows: readonly Row[], key: string, near: number): number {
  const start = Math.max(0, Math.min(near, rows.length - 1))
  for (let up = start, down = start - 1; up < rows.length || down >= 0; up++, down--) {
    if (rows[up]?.key === key) return up
    if (rows[down]?.key === key) return down
  }
  return -1
}

/** The same as the unsent message had. */
export function messageKey(message: Message): string {
  return `${message.author_id}:${message.client_msg_id}`
}

function sentLine(message: Message): Line {
  return {
    key: messageKey(message),
    authorId: message.author_id,
    text: message.text,
    time: Date.parse(message.created_at),
    message,
    pending: null,
  }
}

function pendingLine(pending: Pending): Line {
  return {
    key: `${pending.userId}:${pending.id}`,
    authorId: pending.userId,
    text: pending.text,
    time: pending.createdAt,
    message: null,
    pending,
  }
}
