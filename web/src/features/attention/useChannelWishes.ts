/** What I want to hear of a channel: seen at once, and taken back when the server refuses. */
import type { PreferencesPatch } from '@/api/attention'
import { attention } from '@/api/attention'
import { useRequest } from '@/api/useRequest'
import type { ChannelEntry } from '@/entities/store'
import { useEntities } from '@/entities/store'

export function useChannelWishes(entry: () => ChannelEntry) {
  const entities = useEntities()
  const { problem, send } = useRequest()

  /** False when it was refused. */
  async function wish(patch: PreferencesPatch): Promise<boolean> {
    const { channel, preferences: before } = entry()
    entities.setChannel(channel, { preferences: { ...before, ...patch } })
    const taken = await send(() => attention.setPreferences(channel.id, patch))
    if (!taken) entities.setChannel(channel, { preferences: before })
    return taken
  }

  return { problem, wish }
}
