/** What is quoted in each place by what one writes next, and the messages that others quoted. */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import { messages as messageApi } from '@/api/endpoints'
import type { Envelope } from '@/api/events'
import { Problem } from '@/api/problem'
import type { Message } from '@/api/types'
import type { Place } from '@/entities/place'
import { withQuote } from '@/entities/quoteText'
import type { Entities } from '@/entities/store'
import { useEntities } from '@/entities/store'


/** Where a message stands, for everybody. */
export function permalink(entities: Entities, message: Message): string {
  const slug = entities.workspaces.get(message.workspace_id)?.workspace.slug ?? message.workspace_id
  return `${location.origin}/w/${slug}/c/${message.channel_id}/m/${message.id}`
}

export const useQuotes = defineStore('quotes', () => {
  const entities = useEntities()
  const chosen = shallowReactive(new Map<Place, Message>())
  /** By id; null: I may not read it, or it is gone. */
  const known = shallowReactive(new Map<string, Message | null>())
  const asked = new Set<string>()

  /** The next message in this place quotes that one. */
  function quote(place: Place, message: Message): void {
    chosen.set(place, message)
  }

  /** What goes before the text of the next message in this place; empty where nothing is quoted. */
  function lead(place: Place): string {
    const message = chosen.get(place)
    if (message === undefined) return ''
    return withQuote(permalink(entities, message), '')
  }

  /** The message that quotes is on its way. */
  function sent(place: Place): void {
    const message = chosen.get(place)
    if (message === undefined) return
    known.set(message.id, message)
    chosen.delete(place)
  }

  /** Undefined until it is known. */
  function find(id: string): Message | null | undefined {
    const message = known.get(id)
    if (message === undefined && !asked.has(id)) void fetch(id)
    return message
  }

  async function fetch(id: string): Promise<void> {
    asked.add(id)
    try {
      known.set(id, (await messageApi.get(id)).message)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.temporary) asked.delete(id)
      else known.set(id, null)
    }
  }

  function onEvent(event: Envelope): void {
    if (event.type !== 'message.updated' && event.type !== 'message.deleted') return
    const { message } = event.data
    if (known.has(message.id)) known.set(message.id, message)
    for (const [place, quoted] of chosen) {
      if (quoted.id !== message.id) continue
      if (message.deleted_at === null) chosen.set(place, message)
      else chosen.delete(place)
    }
  }

  function clear(): void {
    chosen.clear()
    known.clear()
    asked.clear()
  }

  return { of: (place: Place) => chosen.get(place) ?? null, quote, drop: (place: Place) => chosen.delete(place), lead, sent, find, onEvent, clear }
})
