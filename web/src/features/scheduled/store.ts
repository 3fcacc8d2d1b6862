/** My messages that are to be sent later: loaded with a workspace, then kept up by events. */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'
import type { Scheduled } from '@/api/scheduled'
import { scheduled as api } from '@/api/scheduled'

export const useScheduled = defineStore('scheduled', () => {
  const items = shallowReactive(new Map<string, Scheduled>())
  /** When each was told last, by the server's clock: an answer may come after a newer event, and the other way round. */
  const toldAt = new Map<string, string>()

  function take(item: Scheduled): void {
    if (item.updated_at < (toldAt.get(item.id) ?? '')) return
    toldAt.set(item.id, item.updated_at)
    if (item.state === 'sent') items.delete(item.id)
    else items.set(item.id, item)
  }

  function forget(id: string): void {
    items.delete(id)
  }

  function onEvent(event: Envelope): void {
    if (event.type !== 'scheduled.updated') return
    const { scheduled_id: id, scheduled } = event.data
    if (scheduled === null) forget(id)
    else take(scheduled)
  }

  /** What an event says has changed while the list is on its way is newer than the list. */
  async function load(workspaceId: string): Promise<void> {
    try {
      const seen = new Set<string>()
      const before = new Set(items.keys())
      for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
        const page = await api.page(workspaceId, cursor)
        for (const item of page.items) {
          seen.add(item.id)
          take(item)
        }
        cursor = page.next
      }
      for (const id of before) if (items.get(id)?.workspace_id === workspaceId && !seen.has(id)) forget(id)
    } catch (error) {
      // Without an answer what is known stands; the next connection asks again.
      asProblem(error)
    }
  }

  function clear(): void {
    items.clear()
    toldAt.clear()
  }

  return { items, take, forget, onEvent, load, clear }
})

/** In the order in which they are sent; what waits for its author comes first. */
export function inOrder(items: Iterable<Scheduled>, workspaceId: string): Scheduled[] {
  const mine = [...items].filter((item) => item.workspace_id === workspaceId)
  const rank = ({ error }: Scheduled): number => (error === null ? 1 : 0)
  return mine.sort((a, b) => rank(a) - rank(b) || a.send_at.localeCompare(b.send_at))
}
