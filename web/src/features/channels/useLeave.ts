/** Leaving a channel, from its row or its details. */
import { useRouter } from 'vue-router'

import { channels } from '@/api/endpoints'
import type { Channel } from '@/api/types'
import { useEntities } from '@/entities/store'

export interface Leaving {
  /** Throws a Problem when it is refused. */
  leave: (channel: Channel) => Promise<void>
  /** It is here no longer, whether the event of that comes first or not. */
  away: (channel: Channel) => Promise<void>
}

export function useLeave(slug: () => string): Leaving {
  const router = useRouter()
  const entities = useEntities()

  async function away(channel: Channel): Promise<void> {
    // First, or the workspace's own page would lead back to where one was last.
    entities.forgetChannel(channel.id)
    const shown = router.currentRoute.value.params['channel'] === channel.id
    if (shown) await router.push({ name: 'workspace', params: { workspace: slug() } })
  }

  async function leave(channel: Channel): Promise<void> {
    await channels.leave(channel.id)
    await away(channel)
  }

  return { leave, away }
}
