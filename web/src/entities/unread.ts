/** Unread, from numbers alone: never from counting events. Pure. */

/** A channel is unread when its newest message lies above what was read here. */
export function isUnread(lastMessageSeq: number, readSeq: number): boolean {
  return lastMessageSeq > readSeq
}

/** Reading only moves forward. */
export function advanced(readSeq: number, seq: number): number {
  return Math.max(readSeq, seq)
}
