/** How much waits for me in each workspace: what is unread, muted channels aside, and mentions everywhere. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'

import { useEntities } from './store'
import type { Counts } from './unread'

export function useWaiting(): ComputedRef<ReadonlyMap<string, Counts>> {
  const entities = useEntities()
  return computed(() => {
    const sums = new Map<string, Counts>(entities.elsewhere)
    const add = (id: string, unread: number, mentions: number): void => {
      const sum = sums.get(id) ?? { unread: 0, mentions: 0 }
      sums.set(id, { unread: sum.unread + unread, mentions: sum.mentions + mentions })
    }
    for (const { channel, joined, unread, mentions, preferences } of entities.channels.values()) {
      if (joined) add(channel.workspace_id, preferences.muted ? 0 : unread, mentions)
    }
    for (const { workspaceId, following, unread, mentions } of entities.threads.values()) {
      if (following && entities.members.has(workspaceId)) add(workspaceId, unread, mentions)
    }
    return sums
  })
}
