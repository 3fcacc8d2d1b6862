/** Who reacted with what. The server tells all reactions of a message at once, and what it tells counts. Pure. */
import type { Reaction } from '@/api/types'

export function reacted(reactions: readonly Reaction[], emoji: string, person: string): boolean {
  return reactions.some((each) => each.emoji === emoji && each.user_ids.includes(person))
}

/** With this person's reaction or without it, in the server's order: emoji by first use, people by when they reacted. */
export function withReaction(
  reactions: readonly Reaction[],
  emoji: string,
  person: string,
  wanted: boolean,
): readonly Reaction[] {
  if (reacted(reactions, emoji, person) === wanted) return reactions
  if (!wanted) {
    return reactions
      .map((each) => (each.emoji === emoji ? { ...each, user_ids: each.user_ids.filter((id) => id !== person) } : each))
      .filter((each) => each.user_ids.length > 0)
  }
  if (!reactions.some((each) => each.emoji === emoji)) return [...reactions, { emoji, user_ids: [person] }]
  return reactions.map((each) => (each.emoji === emoji ? { ...each, user_ids: [...each.user_ids, person] } : each))
}
