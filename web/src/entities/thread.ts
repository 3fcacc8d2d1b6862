/** Replies: which of them are for the channel as well, and which thread a message is about. Pure. */
import type { Message } from '@/api/types'

type Reply = Pick<Message, 'thread_id' | 'in_channel'>

/** Only in its thread: it is not in the channel's list, and makes nothing unread there. */
export function isAside(message: Reply): boolean {
  return message.thread_id !== null && !message.in_channel
}

/** What a channel shows of its messages, of which replies are a part. */
export function inChannel(messages: readonly Message[]): readonly Message[] {
  return messages.some(isAside) ? messages.filter((message) => !isAside(message)) : messages
}

/** The first message of the thread that this one begins or belongs to. */
export function rootOf(message: Pick<Message, 'id' | 'thread_id'>): string {
  return message.thread_id ?? message.id
}
