/** Until when I may not write in a channel, unix ms; null when I may. A mute ends without an event, by the clock. */
import type { ComputedRef } from 'vue'
import { computed, onBeforeUnmount, onMounted, ref } from 'vue'

import { mutedUntil } from '@/entities/muting'
import { useEntities } from '@/entities/store'

export function useMuted(channelId: string): ComputedRef<number | null> {
  const entities = useEntities()
  const now = ref(Date.now())

  let timer: ReturnType<typeof setInterval> | undefined
  onMounted(() => (timer = setInterval(() => (now.value = Date.now()), 1_000)))
  onBeforeUnmount(() => clearInterval(timer))

  return computed(() => {
    const entry = entities.channels.get(channelId)
    const workspace = entities.workspaces.get(entry?.channel.workspace_id ?? '')
    return mutedUntil([entry?.mutedUntil, workspace?.mutedUntil], now.value)
  })
}
