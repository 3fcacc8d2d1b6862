/** Tells rendered texts who the names in them are, and what their buttons are called. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'

import { isDirect, placeName } from '@/entities/naming'
import { saidIn } from '@/entities/quoteText'
import { useEntities } from '@/entities/store'
import { useNames } from '@/entities/useNames'
import { useQuotes } from '@/features/messages/quotes'
import type { Names } from '@/ui/markdown/names'
import { provideTextContext } from '@/ui/textContext'

import { useLive } from './live'

/** So much of a message is enough to know which one it is. */
const EXCERPT = 60

const IS_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/

export function useTextReading(): void {
  const { t } = useI18n()
  const router = useRouter()
  const entities = useEntities()
  const live = useLive()
  const here = (): string => {
    const key = router.currentRoute.value.params['workspace']
    for (const { workspace } of entities.workspaces.values()) {
      if (workspace.slug === key || workspace.id === key) return workspace.id
    }
    return ''
  }
  const known = useNames(here)
  const quotes = useQuotes()

  const names: Names = {
    person(key) {
      const id = IS_ID.test(key) ? key : known.person(key)
      if (id === null) return null
      live.learnUser(id)
      const name = entities.users.get(id)?.display_name ?? t('people.unknown')
      return { id, name, mine: id === entities.myId }
    },
    channel(key) {
      const id = entities.channels.has(key) ? key : known.channel(key)
      const channel = id === null ? undefined : entities.channels.get(id)?.channel
      if (channel === undefined && IS_ID.test(key)) return { name: t('messages.otherChannel'), href: linkTo(here(), key) }
      if (channel === undefined || isDirect(channel)) return null
      return { name: channel.name ?? '', href: linkTo(channel.workspace_id, channel.id) }
    },
    message(href, read) {
      const address = new URL(href)
      if (address.origin !== location.origin) return null
      const { channel: channelId, message: shown, thread } = router.resolve(address.pathname).params
      const id = shown || thread
      if (typeof id !== 'string' || typeof channelId !== 'string') return null
      const channel = entities.channels.get(channelId)?.channel
      const place =
        channel === undefined
          ? t('messages.otherChannel')
          : placeName(channel, entities.myId, (user) => entities.users.get(user), t('people.unknown'))
      const message = quotes.find(id)
      if (!message || message.deleted_at !== null) return t('messages.reference', { channel: place })
      live.learnUser(message.author_id)
      const author = entities.users.get(message.author_id)?.display_name ?? t('people.unknown')
      return t('messages.referenceTo', { author, channel: place, text: read(saidIn(message), EXCERPT) })
    },
    get spoiler() {
      return t('messages.covered')
    },
  }

  /** A channel that the page does not know says at its address whether one may join it. */
  function linkTo(workspaceId: string, channelId: string): string {
    const workspace = entities.workspaces.get(workspaceId)?.workspace.slug ?? workspaceId
    return location.origin + router.resolve({ name: 'channel', params: { workspace, channel: channelId } }).href
  }

  const labels = computed(() => ({
    copyCode: t('messages.copyCode'),
    copied: t('common.copied'),
    wrapLines: t('messages.wrapLines'),
    spoiler: t('messages.spoiler'),
    diagram: t('messages.diagram'),
    drawing: t('messages.drawing'),
    noDiagram: t('messages.noDiagram'),
    source: t('messages.source'),
  }))
  provideTextContext({ names, labels })
}
