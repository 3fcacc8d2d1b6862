/** What I want to hear of a channel: seen at once, told one after the other, and taken back when the server refuses. */
import { shallowRef } from 'vue'

import type { PreferencesPatch } from '@/api/attention'
import { attention } from '@/api/attention'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { ChannelEntry } from '@/entities/store'
import { useEntities } from '@/entities/store'

export function useChannelWishes(entry: () => ChannelEntry) {
  const entities = useEntities()
  const problem = shallowRef<Problem | null>(null)
  let last: Promise<unknown> = Promise.resolve()

  async function wish(patch: PreferencesPatch): Promise<void> {
    const { channel, preferences: before } = entry()
    entities.setChannel(channel, { preferences: { ...before, ...patch } })
    problem.value = null
    const asked = last.then(() => attention.setPreferences(channel.id, patch))
    last = asked.catch(() => undefined)
    try {
      await asked
    } catch (error) {
      problem.value = asProblem(error)
      takeBack(patch, before)
    }
  }

  /** Only what was refused: something else may have been wished for since. */
  function takeBack(patch: PreferencesPatch, before: ChannelEntry['preferences']): void {
    const { channel, preferences } = entry()
    const level = patch.level === undefined ? preferences.level : before.level
    const muted = patch.muted === undefined ? preferences.muted : before.muted
    entities.setChannel(channel, { preferences: { ...preferences, level, muted } })
  }

  return { problem, wish }
}
