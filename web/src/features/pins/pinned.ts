/** A channel's pinned messages, the newest pin first. Pure. */
import type { Message } from '@/api/types'

export function withoutPin(list: readonly Message[], id: string): readonly Message[] {
  return list.filter((message) => message.id !== id)
}

/** A pin's event may come without the text, when a later one tells it: then what is known is kept. */
export function withPinned(list: readonly Message[], message: Message): readonly Message[] {
  const known = list.find(({ id }) => id === message.id)
  const told = message.text === '' && known !== undefined ? { ...known, pinned: message.pinned } : message
  return [...withoutPin(list, message.id), told].sort((a, b) => at(b).localeCompare(at(a)))
}

function at({ pinned }: Message): string {
  return pinned?.at ?? ''
}
