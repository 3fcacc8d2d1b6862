/** Completes what is at the caret: people of the channel first, then who spoke here of late, then everybody; channels; emoji; messages. */
import type { Ref } from 'vue'
import { computed, shallowReactive } from 'vue'
import { useI18n } from 'vue-i18n'

import { channels as api } from '@/api/endpoints'
import { Problem } from '@/api/problem'
import type { User } from '@/api/types'
import { byName, hue, initials, isDirect } from '@/entities/naming'
import type { Place } from '@/entities/place'
import { channelOf } from '@/entities/place'
import { saidIn } from '@/entities/quoteText'
import { useEntities } from '@/entities/store'
import { emojiByName, loadShortcodes } from '@/ui/markdown/shortcodes'
import { useLine } from '@/ui/markdown/useLine'
import type { Suggestion } from '@/ui/suggestion'

import type { Sign, Typed } from './completion'
import { ranked, typedAt } from './completion'
import { permalink } from './quotes'
import { referable } from './referable'

const MOST = 8
/** Characters of a message that one may mean. */
const NOTE = 120
/** Pages of a channel's people that are asked for: those beyond are completed all the same, further down. */
const PAGES = 5

export interface Completion extends Suggestion {
  readonly typed: Typed
  /** What takes the place of what was typed. */
  readonly insert: string
}

/** Who is in which channel, as far as it was asked in this visit. */
const peopleIn = shallowReactive(new Map<string, ReadonlySet<string>>())
const asked = new Set<string>()

async function learnPeople(channelId: string): Promise<void> {
  if (asked.has(channelId)) return
  asked.add(channelId)
  const found = new Set<string>()
  try {
    for (let page = 0, cursor: string | null = null; page === 0 || (cursor !== null && page < PAGES); page++) {
      const answer = await api.members(channelId, cursor)
      for (const member of answer.items) found.add(member.user.id)
      cursor = answer.next
    }
    peopleIn.set(channelId, found)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    asked.delete(channelId)
  }
}

export function useCompletions(place: Place, text: Ref<string>, caret: Ref<number>) {
  const { t, locale } = useI18n()
  const entities = useEntities()
  const channelId = channelOf(place)
  const typed = computed(() => typedAt(text.value, caret.value))
  const line = useLine()

  function recent(): Map<string, number> {
    const items = entities.timelines.get(place)?.items ?? []
    return new Map(items.map((message) => [message.author_id, message.ch_seq]))
  }

  function people(query: Typed): Completion[] {
    const channel = entities.channels.get(channelId)?.channel
    if (channel === undefined) return []
    if (!isDirect(channel)) void learnPeople(channelId)
    const here = channel.member_ids === null ? peopleIn.get(channelId) : new Set(channel.member_ids)
    const spoke = recent()
    const users = [...(entities.members.get(channel.workspace_id)?.keys() ?? [])]
      .map((id) => entities.users.get(id))
      .filter((user): user is User => user !== undefined && user.deactivated_at === null)
      .sort(byName((user: User) => user.display_name, locale.value))
      .sort((a, b) => (spoke.get(b.id) ?? 0) - (spoke.get(a.id) ?? 0))
    const everybody = isDirect(channel) ? [] : ['channel', 'here']
    const candidates = [
      ...users.map((user) => ({ id: user.id, names: [user.username, user.display_name], user })),
      ...everybody.map((name) => ({ id: name, names: [name], user: null })),
    ]
    const closeness = ({ id, user }: { id: string; user: User | null }): number => {
      if (user === null) return query.query === '' ? 3 : 0
      if (here?.has(id)) return user.id === entities.myId ? 2 : 0
      return spoke.has(id) ? 1 : 2
    }
    return ranked(candidates, query.query, closeness, MOST).map(({ id, user }) =>
      user === null ? audience(query, id) : person(query, user, here?.has(id) === false),
    )
  }

  function audience(query: Typed, name: string): Completion {
    const note = t(name === 'here' ? 'composer.hereNote' : 'composer.channelNote')
    return { key: name, title: `@${name}`, note, typed: query, insert: `@${name} ` }
  }

  function person(query: Typed, user: User, outside: boolean): Completion {
    return {
      key: user.id,
      title: user.display_name,
      note: outside ? t('composer.outside', { username: user.username }) : `@${user.username}`,
      avatar: { letters: initials(user.display_name), hue: hue(user.id) },
      typed: query,
      insert: `@${user.username} `,
    }
  }

  function rooms(query: Typed): Completion[] {
    const workspace = entities.channels.get(channelId)?.channel.workspace_id
    const candidates = [...entities.channels.values()]
      .map(({ channel }) => channel)
      .filter((channel) => channel.workspace_id === workspace && !isDirect(channel) && channel.archived_at === null)
      .map((channel) => ({ id: channel.id, names: [channel.name ?? ''], topic: channel.topic }))
      .sort(byName(({ names }: { names: string[] }) => names[0] ?? '', locale.value))
    return ranked(candidates, query.query, () => 0, MOST).map(({ id, names: [name = ''], topic }) => ({
      key: id,
      title: `#${name}`,
      note: topic,
      typed: query,
      insert: `#${name} `,
    }))
  }

  function emoji(query: Typed): Completion[] {
    if (emojiByName.value === null) {
      void loadShortcodes()
      return []
    }
    const candidates = Object.keys(emojiByName.value).map((name) => ({ id: name, names: [name] }))
    return ranked(candidates, query.query, () => 0, MOST).map(({ id }) => ({
      key: id,
      title: `:${id}:`,
      note: '',
      emoji: emojiByName.value?.[id] ?? '',
      typed: query,
      insert: `${emojiByName.value?.[id] ?? ''} `,
    }))
  }

  /** What is inserted is the address: every client can follow it. */
  function references(query: Typed): Completion[] {
    const workspaceId = entities.channels.get(channelId)?.channel.workspace_id ?? ''
    const near = [place, channelId].map((one) => entities.timelines.get(one)?.items ?? [])
    const far = [...entities.timelines].flatMap(([one, { items }]) =>
      one !== place && entities.channels.get(channelOf(one))?.channel.workspace_id === workspaceId ? [items] : [],
    )
    const nameOf = (id: string): string => entities.users.get(id)?.display_name ?? t('people.unknown')
    return referable([...near, ...far], query.query, nameOf, MOST).map((message) => ({
      key: message.id,
      title: nameOf(message.author_id),
      note: line.plain(saidIn(message), NOTE),
      avatar: { letters: initials(nameOf(message.author_id)), hue: hue(message.author_id) },
      typed: query,
      insert: `${permalink(entities, message)} `,
    }))
  }

  const LISTS: Record<Sign, { of: (query: Typed) => Completion[]; label: string }> = {
    '@': { of: people, label: 'composer.people' },
    '#': { of: rooms, label: 'composer.channels' },
    ':': { of: emoji, label: 'composer.emoji' },
    '[[': { of: references, label: 'composer.messages' },
  }
  const items = computed(() => (typed.value === null ? [] : LISTS[typed.value.sign].of(typed.value)))
  const label = computed(() => t(LISTS[typed.value?.sign ?? '@'].label))
  return { items, label }
}
