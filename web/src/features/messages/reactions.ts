/**
 * Reacting. What a person wishes is shown at once and sent in the background, one request after another for each emoji of
 * a message; only the last wish counts. What the server refuses is taken back.
 */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import { messages as messageApi } from '@/api/endpoints'
import type { Message, Reaction } from '@/api/types'
import { applyMyReaction } from '@/entities/apply'
import type { Wishes } from '@/entities/reactions'
import { reacted, withWishes } from '@/entities/reactions'
import { useEntities } from '@/entities/store'

/** One click away. */
export const QUICK: readonly string[] = ['👍', '❤️', '🎉']

export const useReactions = defineStore('reactions', () => {
  const entities = useEntities()
  /** By message. */
  const wishes = shallowReactive(new Map<string, Wishes>())
  const sending = new Set<string>()

  function of(message: Message): readonly Reaction[] {
    return withWishes(message.reactions, wishes.get(message.id), entities.myId)
  }

  function wish(messageId: string, emoji: string, wanted: boolean | null): void {
    const all = new Map(wishes.get(messageId))
    if (wanted === null) all.delete(emoji)
    else all.set(emoji, wanted)
    if (all.size === 0) wishes.delete(messageId)
    else wishes.set(messageId, all)
  }

  /** Reacts, or takes the reaction back. It is shown when this returns a promise. Throws a Problem when it is refused. */
  async function toggle(message: Message, emoji: string): Promise<void> {
    wish(message.id, emoji, !reacted(of(message), emoji, entities.myId))
    const key = `${message.id} ${emoji}`
    if (sending.has(key)) return
    sending.add(key)
    try {
      await send(message, emoji)
    } finally {
      sending.delete(key)
      wish(message.id, emoji, null)
    }
  }

  /** Until the server has what is wished: that may change while a request is on its way. */
  async function send(message: Message, emoji: string): Promise<void> {
    let told: boolean | undefined
    for (let wanted = wishes.get(message.id)?.get(emoji); wanted !== told; wanted = wishes.get(message.id)?.get(emoji)) {
      if (wanted === undefined) return
      await (wanted ? messageApi.react(message.id, emoji) : messageApi.takeBack(message.id, emoji))
      applyMyReaction(entities, message, emoji, wanted)
      told = wanted
    }
  }

  return { of, toggle }
})
