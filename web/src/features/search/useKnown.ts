/** The people, channels and days that a query of this workspace can name. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { byName, isDirect } from '@/entities/naming'
import { useEntities } from '@/entities/store'

import type { Known, Named } from './hints'

const DAY_MS = 86_400_000
const DAYS_AGO = [0, 1, 7, 30]

export function useKnown(workspaceId: () => string): ComputedRef<Known> {
  const { t, locale } = useI18n()
  const entities = useEntities()

  const people = computed(() => {
    const named = [...(entities.members.get(workspaceId())?.keys() ?? [])].flatMap((id): Named[] => {
      const user = entities.users.get(id)
      return user === undefined || id === entities.myId ? [] : [{ name: user.username, title: user.display_name }]
    })
    const me = { name: 'me', title: entities.me?.display_name ?? '' }
    return [me, ...named.sort(byName((item) => item.title, locale.value))]
  })

  const channels = computed(() =>
    [...entities.channels.values()]
      .filter(({ channel }) => channel.workspace_id === workspaceId() && !isDirect(channel))
      .map(({ channel }): Named => ({ name: channel.name ?? '', title: channel.topic }))
      .sort(byName((item) => item.name, locale.value)),
  )

  const days = computed(() =>
    DAYS_AGO.map((ago): Named => {
      const words = new Intl.RelativeTimeFormat(locale.value, { numeric: 'auto' }).format(-ago, 'day')
      return { name: new Date(Date.now() - ago * DAY_MS).toISOString().slice(0, 10), title: words }
    }),
  )

  return computed(() => ({
    people: people.value,
    channels: channels.value,
    days: days.value,
    describe: (operator) => t(`search.operator.${operator}`),
  }))
}
