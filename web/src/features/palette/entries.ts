/** What the palette can lead to: everything of it is here already, so nothing is asked of the server. */
import type { Message } from '@/api/types'
import { channelTitle, counterparts, isDirect } from '@/entities/naming'
import { channelOf, threadOf } from '@/entities/place'
import { saidIn } from '@/entities/quoteText'
import type { ChannelEntry, Entities } from '@/entities/store'
import { isNew } from '@/entities/unread'

import { folded } from './rank'

export type Kind = 'channel' | 'direct' | 'person' | 'thread' | 'workspace' | 'action'

export interface Entry {
  /** Unique. */
  readonly key: string
  readonly kind: Kind
  readonly title: string
  readonly note: string
  /** What is searched, folded. */
  readonly texts: readonly string[]
  /** Something in it is new. */
  readonly fresh: boolean
  /** For a channel, a person, a workspace (its slug), a message (of a thread), an action. */
  readonly id: string
  /** Whose hue and initials stand before it; the channel of a thread. */
  readonly of: string
}

const TITLE_LENGTH = 80

function entry(kind: Kind, id: string, title: string, note: string, more: Partial<Entry> = {}): Entry {
  return { key: `${kind} ${id}`, kind, id, title, note, texts: [folded(title)], fresh: false, of: id, ...more }
}

export function channelEntries(entities: Entities, workspaceId: string, unknown: string): Entry[] {
  const mine = [...entities.channels.values()].filter(({ joined, channel }) => joined && channel.workspace_id === workspaceId)
  return mine.map((one: ChannelEntry) => {
    const { channel } = one
    const title = channelTitle(channel, entities.myId, (id) => entities.users.get(id), unknown)
    const direct = isDirect(channel)
    const [partner] = counterparts(channel, entities.myId)
    const username = direct && partner !== undefined ? (entities.users.get(partner)?.username ?? '') : ''
    return entry(direct ? 'direct' : 'channel', channel.id, title, direct ? '' : channel.topic, {
      fresh: isNew(one),
      of: direct ? (partner ?? channel.id) : channel.id,
      texts: [folded(title), ...(username === '' ? [] : [folded(username)])],
    })
  })
}

/** Those one has no conversation with yet: the others stand there as conversations. */
export function peopleEntries(entities: Entities, workspaceId: string): Entry[] {
  const known = new Set(
    [...entities.channels.values()]
      .filter(({ joined, channel }) => joined && channel.kind === 'dm' && channel.workspace_id === workspaceId)
      .map(({ channel }) => counterparts(channel, entities.myId)[0]),
  )
  return [...(entities.members.get(workspaceId)?.keys() ?? [])].flatMap((id) => {
    const user = entities.users.get(id)
    if (user === undefined || known.has(id) || user.deactivated_at !== null) return []
    const texts = [folded(user.display_name), folded(user.username)]
    return [entry('person', id, user.display_name, `@${user.username}`, { texts })]
  })
}

/** Threads of the histories that are loaded, the ones that were answered last first. `read` makes words of a text. */
export function threadEntries(entities: Entities, workspaceId: string, unknown: string, read: (text: string, most: number) => string): Entry[] {
  const roots = [...entities.timelines].flatMap(([place, { items }]): Message[] => {
    const channel = entities.channels.get(channelOf(place))?.channel
    return threadOf(place) === null && channel?.workspace_id === workspaceId ? items.filter((message) => message.thread) : []
  })
  roots.sort((a, b) => (b.thread?.last_reply_at ?? '').localeCompare(a.thread?.last_reply_at ?? ''))
  return roots.map((message) => {
    const channel = entities.channels.get(message.channel_id)?.channel
    const where = channel === undefined ? '' : channelTitle(channel, entities.myId, (id) => entities.users.get(id), unknown)
    const title = read(saidIn(message), TITLE_LENGTH)
    return entry('thread', message.id, title, where, { of: message.channel_id })
  })
}

export function workspaceEntries(entities: Entities, workspaceId: string): Entry[] {
  return [...entities.workspaces.values()]
    .filter(({ workspace }) => workspace.id !== workspaceId)
    .map(({ workspace }) => entry('workspace', workspace.slug, workspace.name, '', { of: workspace.id }))
}

export function actionEntry(id: string, title: string, note: string): Entry {
  return entry('action', id, title, note)
}
