/** The keyboard map as it is shown: by group, with what each action is called. */
import type { ComputedRef, Ref } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Action } from '@/ui/actions'
import { allActions, isChanged, keysOf, MAC, wishedKeys } from '@/ui/actions'
import { caps } from '@/ui/keys'
import { layout } from '@/ui/layout'

export interface ShownAction extends Action {
  readonly label: string
  /** Those that act. */
  readonly keys: readonly string[]
  /** Those that somebody wants, also while keys of one character are off. */
  readonly wished: readonly string[]
  readonly changed: boolean
  readonly spoken: (keys: string) => string
}

export interface KeyGroup {
  readonly id: string
  readonly actions: readonly ShownAction[]
}

export function useKeyGroups(wanted: Readonly<Ref<string>>): ComputedRef<KeyGroup[]> {
  const { t } = useI18n()

  const spoken = (keys: string): string =>
    caps(keys, MAC, layout.value)
      .map((stroke) => stroke.join(' '))
      .join(t('keys.then'))

  return computed(() => {
    const part = wanted.value.trim().toLocaleLowerCase()
    const groups = new Map<string, ShownAction[]>()
    for (const action of allActions.value) {
      const label = t(`keys.action.${action.id}`)
      const keys = keysOf(action.id)
      if (part !== '' && ![label, ...keys.map(spoken)].some((text) => text.toLocaleLowerCase().includes(part))) continue
      const shown = { ...action, label, keys, wished: wishedKeys(action.id), changed: isChanged(action.id), spoken }
      groups.set(action.group, [...(groups.get(action.group) ?? []), shown])
    }
    return [...groups].map(([id, actions]) => ({ id, actions }))
  })
}
