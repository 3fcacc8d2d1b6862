/** What is said of a wish that was not fulfilled: a key of our texts. */
import type { Wish, WishKind } from '@/entities/wishes'

const NOT_DONE: Readonly<Record<WishKind, string>> = {
  text: 'messages.notChanged',
  gone: 'messages.notDeleted',
  reaction: 'messages.notReacted',
  pinned: 'messages.notPinned',
  saved: 'messages.notKept',
}

export function notDone({ kind, wanted }: Wish): string {
  return kind === 'gone' && wanted === false ? 'messages.notRestored' : NOT_DONE[kind]
}
