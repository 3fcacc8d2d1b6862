/** Reacting from a row, or taking the reaction back: seen at once. */
import type { Message } from '@/api/types'
import { reacted } from '@/entities/reactions'
import { useEntities } from '@/entities/store'
import { useWishes } from '@/entities/wishQueue'

export function useReact(): (message: Message, emoji: string) => void {
  const entities = useEntities()
  const wishes = useWishes()
  return (message, emoji) => {
    const now = wishes.wanted(message.id, 'reaction', emoji) ?? reacted(message.reactions, emoji, entities.myId)
    wishes.want(message, { kind: 'reaction', emoji, wanted: !now, had: now })
  }
}
