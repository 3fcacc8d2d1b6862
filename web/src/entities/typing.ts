/** Who is typing: entries run out by themselves. Pure. Times in ms. */

export type TypingMap = ReadonlyMap<string, number>

export const EMPTY_TYPING: TypingMap = new Map()

export function withTyping(map: TypingMap, userId: string, until: number): TypingMap {
  return new Map(map).set(userId, until)
}

export function withoutTyping(map: TypingMap, userId: string): TypingMap {
  if (!map.has(userId)) return map
  const next = new Map(map)
  next.delete(userId)
  return next
}

/** The map without entries that ran out; the same map when none did. */
export function unexpired(map: TypingMap, now: number): TypingMap {
  const alive = [...map].filter(([, until]) => until > now)
  return alive.length === map.size ? map : new Map(alive)
}
