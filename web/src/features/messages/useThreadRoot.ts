/** The first message of the thread that an address names by any of its messages. */
import { computed, ref, shallowRef, watch } from 'vue'

import { messages } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import { channelOf, placeIn } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { rootOf } from '@/entities/thread'

export function useThreadRoot(channelId: string, messageId: () => string) {
  const entities = useEntities()
  const rootId = ref<string | null>(null)
  const problem = shallowRef<Problem | null>(null)

  const root = computed(() => {
    const id = rootId.value
    if (id === null) return null
    const places = [placeIn(channelId, id), channelId]
    const lists = places.map((place) => entities.timelines.get(place)?.items ?? [])
    return lists.flat().find((message) => message.id === id) ?? null
  })

  function known(id: string): string | undefined {
    for (const [place, { items }] of entities.timelines) {
      const message = channelOf(place) === channelId ? items.find((item) => item.id === id) : undefined
      if (message !== undefined) return rootOf(message)
    }
    return undefined
  }

  async function find(): Promise<void> {
    const id = messageId()
    problem.value = null
    const here = known(id)
    if (here !== undefined) {
      rootId.value = here
      return
    }
    try {
      const { message } = await messages.get(id)
      if (messageId() === id) rootId.value = rootOf(message)
    } catch (error) {
      if (messageId() === id) problem.value = asProblem(error)
    }
  }

  watch(messageId, find, { immediate: true })
  return { rootId, root, problem, find }
}
