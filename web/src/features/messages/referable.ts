/** Messages that one may mean by some of their words: of those that are here, the newest first. Pure. */
import type { Message } from '@/api/types'

/** Nobody means by a few words what was said long before. */
const LOOKED_THROUGH = 1_000

/** Every word of the query is in the text, or begins the author's name. `histories`: the nearest place first. */
export function referable(
  histories: Iterable<readonly Message[]>,
  query: string,
  nameOf: (authorId: string) => string,
  most: number,
): Message[] {
  const words = query.split(/\s+/).filter(Boolean)
  const found = new Map<string, Message>()
  for (const items of histories) {
    for (const message of items.slice(-LOOKED_THROUGH).reverse()) {
      if (found.size >= most) return [...found.values()]
      if (message.deleted_at !== null || message.system !== null) continue
      const text = message.text.toLowerCase()
      const names = nameOf(message.author_id).toLowerCase().split(/\s+/)
      const fits = words.every((word) => text.includes(word) || names.some((name) => name.startsWith(word)))
      if (fits) found.set(message.id, message)
    }
  }
  return [...found.values()]
}
