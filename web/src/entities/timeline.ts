/**
 * The loaded part of a channel's history: one contiguous window of messages in the order of `ch_seq`.
 * Pure functions; a timeline is never changed in place, so that views can compare by identity.
 */
import type { Message, MessagePage } from '@/api/types'

/** Kept while the reader is at the end; what lies above is loaded again when they go there. */
export const WINDOW = 400
/** Kept at most of what somebody pages through; beyond, the far end is dropped and loaded again when needed. */
export const LOADED = 120_000

export interface Timeline {
  readonly items: readonly Message[]
  /** Older messages exist on the server. */
  readonly hasBefore: boolean
  /** Newer messages exist on the server: the window does not touch the end, live messages are not added. */
  readonly hasAfter: boolean
}

export const EMPTY: Timeline = { items: [], hasBefore: true, hasAfter: false }

/** Both lists as one, by `ch_seq`, each message once: as it was changed last, whichever list has that. */
export function mergeMessages(known: readonly Message[], fresh: readonly Message[]): readonly Message[] {
  if (fresh.length === 0) return known
  const last = known.at(-1)
  const first = fresh[0]
  if (first === undefined || last === undefined || last.ch_seq < first.ch_seq) return known.concat(fresh)
  if ((fresh.at(-1) ?? first).ch_seq < (known[0] ?? last).ch_seq) return fresh.concat(known)
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of fresh) {
    const copy = byId.get(message.id)
    byId.set(message.id, copy === undefined ? message : changedLast(copy, message))
  }
  return [...byId.values()].sort((a, b) => a.ch_seq - b.ch_seq)
}

/** The newest page, together with what came live while it was on its way; what is older was a copy, and may have a hole. */
export function withLatest(live: Timeline, page: MessagePage): Timeline {
  const first = page.items[0]?.ch_seq ?? 0
  const later = live.items.filter((message) => message.ch_seq >= first)
  return { items: mergeMessages(page.items, later), hasBefore: page.has_before, hasAfter: false }
}

/** A page around a position: a new window, away from the end when more follows. */
export function windowOf(page: MessagePage): Timeline {
  return { items: page.items, hasBefore: page.has_before, hasAfter: page.has_after }
}

/** Live messages that came while the page was on its way were not collected: the window does not touch the end yet. */
export function upTo(timeline: Timeline, lastMsgSeq: number): Timeline {
  const last = timeline.items.at(-1)
  const behind = last !== undefined && last.ch_seq < lastMsgSeq
  return behind && !timeline.hasAfter ? { ...timeline, hasAfter: true } : timeline
}

export function withOlder(timeline: Timeline, page: MessagePage): Timeline {
  const items = mergeMessages(timeline.items, page.items)
  const dropped = items.length > LOADED
  return {
    items: dropped ? items.slice(0, LOADED) : items,
    hasBefore: page.has_before,
    hasAfter: timeline.hasAfter || dropped,
  }
}

export function withNewer(timeline: Timeline, page: MessagePage): Timeline {
  const items = mergeMessages(timeline.items, page.items)
  const dropped = items.length > LOADED
  return {
    items: dropped ? items.slice(-LOADED) : items,
    hasBefore: timeline.hasBefore || dropped,
    hasAfter: page.has_after,
  }
}

/** A message that just came: added at the end, or replaced where it stands; ignored outside the window. */
export function withMessage(timeline: Timeline, message: Message): Timeline {
  if (indexOf(timeline.items, message) >= 0) return withChange(timeline, message)
  const last = timeline.items.at(-1)
  const newest = last === undefined || message.ch_seq > last.ch_seq
  if (newest && timeline.hasAfter) return timeline
  const first = timeline.items[0]
  if (timeline.hasBefore && first !== undefined && message.ch_seq < first.ch_seq) return timeline
  return { ...timeline, items: mergeMessages(timeline.items, [message]) }
}

/** An edited or deleted message, where the window has it. */
export function withChange(timeline: Timeline, message: Message): Timeline {
  const at = indexOf(timeline.items, message)
  const known = timeline.items[at]
  if (known === undefined || changedLast(known, message) !== message) return timeline
  return { ...timeline, items: timeline.items.with(at, message) }
}

/** The same, where a deletion has been undone. */
export function withPresent(timeline: Timeline, message: Message): Timeline {
  const at = indexOf(timeline.items, message)
  const restored = message.deleted_at === null && (timeline.items[at]?.deleted_at ?? null) !== null
  return restored ? { ...timeline, items: timeline.items.with(at, message) } : withChange(timeline, message)
}

/** Where the message stands, by its number: the list may be long. -1: nowhere. */
function indexOf(items: readonly Message[], { id, ch_seq: seq }: Message): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((items[middle] as Message).ch_seq < seq) low = middle + 1
    else high = middle
  }
  return items[low]?.id === id ? low : -1
}

/** A message of which something beside its text is otherwise now, where the window has it. */
export function withPatch(timeline: Timeline, id: string, patch: Partial<Message>): Timeline {
  const at = timeline.items.findIndex((item) => item.id === id)
  const known = timeline.items[at]
  return known === undefined ? timeline : { ...timeline, items: timeline.items.with(at, { ...known, ...patch }) }
}

/** Of two copies of a message the one that tells more: deleted, else of more people, else edited last, else the second. */
function changedLast(known: Message, other: Message): Message {
  if (known.deleted_at !== null && other.deleted_at === null) return known
  if (other.deleted_at !== null) return other
  // A note takes in who comes later, and that is no edit.
  if ((known.system?.count ?? 0) > (other.system?.count ?? 0)) return known
  return (known.edited_at ?? '') > (other.edited_at ?? '') ? known : other
}

/** Drops the oldest rows while the reader is at the end, so that a long day does not grow the page for ever. */
export function trimmedToEnd(timeline: Timeline, rows = WINDOW): Timeline {
  if (timeline.items.length <= rows) return timeline
  return { ...timeline, items: timeline.items.slice(-rows), hasBefore: true }
}
