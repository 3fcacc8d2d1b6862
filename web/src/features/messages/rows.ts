/** From messages to the rows of a list: day separators, and one header for what one person says in a row. Pure. */
import type { Message, SystemNote } from '@/api/types'

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

/** `unreadAfter`: what was read when the channel was opened; `me` never reads their own words as new. */
export function buildRows(
  messages: readonly Message[],
  pending: readonly Pending[],
  unreadAfter: number | null = null,
  me = '',
): Row[] {
  const sent = new Set(messages.map((message) => message.client_msg_id))
  const lines = [
    ...messages.filter((message) => !message.system || message.deleted_at === null).map(sentLine),
    ...pending.filter((item) => !sent.has(item.id)).map(pendingLine),
  ]
  const rows: Row[] = []
  const firstUnread = unreadAfter === null ? undefined : lines.find((line) => isNew(line, unreadAfter, me))
  let above: Line | null = null
  for (const line of lines) {
    const newDay = above === null || localDay(above.time) !== localDay(line.time)
    if (newDay) rows.push({ kind: 'day', key: `day:${localDay(line.time)}`, time: line.time })
    if (line === firstUnread) rows.push({ kind: 'unread', key: 'unread' })
    const note = line.message?.system ?? null
    if (line.message !== null && note !== null) {
      rows.push({ kind: 'note', key: line.key, time: line.time, message: line.message, note })
    } else rows.push({ kind: 'message', head: newDay || line === firstUnread || !continues(above, line), ...line })
    above = line
  }
  return rows
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

/** Days since the epoch by the reader's clock. */
export function localDay(time: number): number {
  const date = new Date(time)
  return Math.floor(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000)
}
