/** A preference as the model of a field. */
import type { WritableComputedRef } from 'vue'
import { computed } from 'vue'

import type { Preferences } from '@/entities/preferences'
import { usePreferences } from '@/entities/preferences'

export function usePreference<Key extends keyof Preferences>(key: Key): WritableComputedRef<Preferences[Key]> {
  const preferences = usePreferences()
  return computed({
    get: () => preferences.current[key],
    set: (value) => preferences.set(key, value),
  })
}
