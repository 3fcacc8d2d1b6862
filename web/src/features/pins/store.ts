/** The pinned messages of the channels that were opened, the newest pin first. Events keep them as they are. */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import type { Envelope } from '@/api/events'
import { pins as pinApi } from '@/api/marks'
import { Problem } from '@/api/problem'
import type { Message } from '@/api/types'
import { useWishes } from '@/entities/wishQueue'

import { withoutPin, withPinned } from './pinned'

export const usePins = defineStore('pins', () => {
  const wishes = useWishes()
  const lists = shallowReactive(new Map<string, readonly Message[]>())
  /** Channels whose list is being fetched; true when something was told meanwhile, so that it may be too old. */
  const loading = new Map<string, boolean>()

  function of(channelId: string): readonly Message[] | null {
    const list = lists.get(channelId)
    return list?.filter((message) => wishes.shown(message).pinned !== null) ?? null
  }

  /** Throws a Problem. */
  async function load(channelId: string): Promise<void> {
    if (loading.has(channelId)) return
    try {
      do {
        loading.set(channelId, false)
        lists.set(channelId, (await pinApi.list(channelId)).items)
      } while (loading.get(channelId))
    } finally {
      loading.delete(channelId)
    }
  }

  /** What is not shown is fetched when it is opened again. */
  async function refresh(shown: string | null): Promise<void> {
    lists.clear()
    if (shown === null) return
    try {
      await load(shown)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
    }
  }

  function onEvent(event: Envelope): void {
    switch (event.type) {
      case 'message.pinned':
      case 'message.updated':
      case 'message.deleted':
      case 'message.unpinned':
        return take(event.data.message)
      default:
    }
  }

  function take(message: Message): void {
    const { channel_id: channelId } = message
    if (loading.has(channelId)) loading.set(channelId, true)
    const list = lists.get(channelId)
    if (list !== undefined) lists.set(channelId, message.pinned === null ? withoutPin(list, message.id) : withPinned(list, message))
  }

  /** Seen at once. */
  function toggle(message: Message): void {
    const pinned = wishes.shown(message).pinned !== null
    wishes.want(message, { kind: 'pinned', wanted: !pinned, had: pinned })
  }

  wishes.onSettled(({ kind }, { message }) => kind === 'pinned' && message !== null && take(message))

  function clear(): void {
    lists.clear()
  }

  return { of, load, refresh, onEvent, toggle, clear }
})
