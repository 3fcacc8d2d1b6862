/**
 * Tells the server where my clock is: as I chose, else as the browser says. Once for each page that is loaded, and again when
 * either changes here, so that two devices in different zones do not take turns.
 */
import { onScopeDispose, watch } from 'vue'

import { people } from '@/api/people'
import { asProblem } from '@/api/problem'
import { browserZone, usePreferences } from '@/entities/preferences'
import { useEntities } from '@/entities/store'

export function useOwnZone(): void {
  const entities = useEntities()
  const preferences = usePreferences()
  let told = ''

  async function tell(): Promise<void> {
    const id = entities.myId
    const zone = preferences.current.timeZone ?? browserZone()
    const here = `${id} ${zone}`
    if (id === '' || told === here) return
    told = here
    if (entities.me?.presence.time_zone === zone) return
    try {
      const presence = await people.appear({ time_zone: zone })
      if (entities.me?.id === id) entities.setMe({ ...entities.me, presence })
    } catch (error) {
      // Of a zone that the server does not know it hears nothing; what is away is told with the next look at this page.
      if (asProblem(error).temporary) told = ''
    }
  }

  // Somebody may have travelled.
  const looked = (): void => {
    if (document.visibilityState === 'visible') void tell()
  }
  watch([() => entities.myId, () => preferences.current.timeZone], tell, { immediate: true })
  document.addEventListener('visibilitychange', looked)
  onScopeDispose(() => document.removeEventListener('visibilitychange', looked))
}
