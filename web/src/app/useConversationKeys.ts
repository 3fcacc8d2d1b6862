/** From one conversation to another in the order of the sidebar, and to what is new. */
import { useRouter } from 'vue-router'

import { isDirect } from '@/entities/naming'
import type { ChannelEntry } from '@/entities/store'
import { useEntities } from '@/entities/store'
import { isNew } from '@/entities/unread'
import { useAction } from '@/ui/actions'

interface Stop {
  readonly link: HTMLAnchorElement
  readonly entry: ChannelEntry | undefined
}

export function useConversationKeys(): void {
  const router = useRouter()
  const entities = useEntities()

  function stops(): { all: Stop[]; at: number } {
    const links = [...document.querySelectorAll<HTMLAnchorElement>('nav a[data-row]')]
    const all = links.map((link) => ({
      link,
      entry: entities.channels.get(String(router.resolve(link.pathname).params['channel'] ?? '')),
    }))
    return { all: all.filter(({ entry }) => entry !== undefined), at: links.findIndex((link) => link.matches('[aria-current="page"]')) }
  }

  function step(by: 1 | -1): void {
    const { all, at } = stops()
    all[at + by]?.link.click()
  }

  /** The next one after this in that direction; over the end it begins anew. */
  function toNew(by: 1 | -1, wanted: (entry: ChannelEntry) => boolean = () => true): void {
    const { all, at } = stops()
    for (let offset = 1; offset <= all.length; offset++) {
      const stop = all[(at + by * offset + all.length * 2) % all.length]
      if (stop?.entry !== undefined && isNew(stop.entry) && wanted(stop.entry)) return stop.link.click()
    }
  }

  useAction('previous', () => step(-1))
  useAction('next', () => step(1))
  useAction('previousUnread', () => toNew(-1))
  useAction('nextUnread', () => toNew(1))
  useAction('unreadChannel', () => toNew(1, (entry) => !isDirect(entry.channel)))
  useAction('unreadDirect', () => toNew(1, (entry) => isDirect(entry.channel)))
}
