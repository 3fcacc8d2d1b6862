/** Facets as a person reads them: names instead of ids, and whether the query holds them. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import type { SearchAnswer } from '@/api/search'
import { channelTitle, isDirect } from '@/entities/naming'
import { useEntities } from '@/entities/store'

import type { FacetItem } from './FacetGroup.vue'
import { holds } from './query'

const SHOWN = 8

export function useFacets(answer: () => SearchAnswer | null, query: () => string) {
  const { t } = useI18n()
  const entities = useEntities()
  const unknown = () => t('people.unknown')

  const channels: ComputedRef<FacetItem[]> = computed(() =>
    (answer()?.facets.channels ?? []).slice(0, SHOWN).map(({ id, count }) => {
      const channel = entities.channels.get(id)?.channel
      // A direct conversation has no name that a query could hold.
      const name = channel === undefined || isDirect(channel) ? null : channel.name
      const title =
        channel === undefined
          ? t('search.someChannel')
          : channelTitle(channel, entities.myId, (user) => entities.users.get(user), unknown())
      return { id, count, name, title, pressed: name !== null && holds(query(), 'in', name) }
    }),
  )

  const people: ComputedRef<FacetItem[]> = computed(() =>
    (answer()?.facets.people ?? []).slice(0, SHOWN).map(({ id, count }) => {
      const user = entities.users.get(id)
      const name = user?.username ?? null
      const mine = id === entities.myId && holds(query(), 'from', 'me')
      const pressed = mine || (name !== null && holds(query(), 'from', name))
      return { id, count, name: mine ? 'me' : name, title: user?.display_name ?? unknown(), pressed }
    }),
  )

  return { channels, people }
}
