/** Who is there. Nobody is asked about but the people on the screen: a component that shows somebody asks while it is there. */
import type { ComputedRef } from 'vue'
import { computed, onScopeDispose, watch } from 'vue'

import type { PresenceState } from '@/api/people'

import { useEntities } from './store'

/** What a person is shown as; null while it is not known, and for who is not there to be seen. */
export function usePresenceOf(userId: () => string | null | undefined): ComputedRef<PresenceState | null> {
  const entities = useEntities()

  function count(id: string, step: 1 | -1): void {
    const times = (entities.watched.get(id) ?? 0) + step
    if (times > 0) entities.watched.set(id, times)
    else entities.watched.delete(id)
  }

  let mine = ''
  const stop = watch(
    userId,
    (id) => {
      if (mine !== '') count(mine, -1)
      mine = id ?? ''
      if (mine !== '') count(mine, 1)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    stop()
    if (mine !== '') count(mine, -1)
  })
  return computed(() => entities.presence.get(userId() ?? '') ?? null)
}
