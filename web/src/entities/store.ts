/**
 * The one store of things that have an id. Values are replaced, never changed in place.
 * It holds state and the smallest writes; what an event does to it is in apply.ts.
 */
import { defineStore } from 'pinia'
import { computed, ref, shallowReactive, shallowRef } from 'vue'

import type { ChannelPreferences } from '@/api/attention'
import type { PresenceState } from '@/api/people'
import type { Sidebar } from '@/api/sidebar'
import type { Bootstrap, Channel, Me, Role, User, Workspace, WorkspaceMembership } from '@/api/types'

import { atEnd } from './ending'
import { isDirect } from './naming'
import { unplaced } from './sidebar'
import type { Place } from './place'
import { channelOf, placeIn, threadOf } from './place'
import type { Timeline } from './timeline'
import type { TypingMap } from './typing'
import type { Counts, Cursor, Reader } from './unread'
import { cursorAt } from './unread'

export interface ChannelEntry extends Cursor {
  readonly channel: Channel
  readonly joined: boolean
  readonly memberCount: number
  /** Last `ch_seq` of the channel that has been applied here. */
  readonly knownSeq: number
  readonly preferences: ChannelPreferences
  /** The newest message told live that nobody wrote: it is never unread, so `last_msg_seq` does not count it. */
  readonly lastNoteSeq: number
  /** Until when I may not write in it; null or past: I may. */
  readonly mutedUntil: string | null
}

/** A thread of which is known whether I follow it. */
export interface ThreadEntry extends Cursor {
  readonly channelId: string
  readonly workspaceId: string
  readonly following: boolean
}

/** How far I want to have read, before the server has said so. */
export interface ReadWish {
  readonly seq: number
  /** Down as well. */
  readonly exact: boolean
}

const UNTOUCHED: ChannelPreferences = { level: 'mentions', muted: false, section: null }

export interface WorkspaceEntry {
  readonly workspace: Workspace
  readonly role: Role
  /** Until when I may not write in any of its conversations, once its snapshot or an event has told. */
  readonly mutedUntil?: string | null
}

export const useEntities = defineStore('entities', () => {
  // Shallow: the copy on disk takes no proxies.
  const me = shallowRef<Me | null>(null)
  const users = shallowReactive(new Map<string, User>())
  const workspaces = shallowReactive(new Map<string, WorkspaceEntry>())
  /** Roles by user, by workspace. */
  const members = shallowReactive(new Map<string, ReadonlyMap<string, Role>>())
  const channels = shallowReactive(new Map<string, ChannelEntry>())
  const timelines = shallowReactive(new Map<Place, Timeline>())
  /** The newest reply told live, by thread. */
  const newestReplies = shallowReactive(new Map<string, number>())
  const threads = shallowReactive(new Map<string, ThreadEntry>())
  /** What is unread in workspaces that were not opened here. */
  const elsewhere = shallowReactive(new Map<string, Counts>())
  const readWishes = new Map<Place, ReadWish>()
  /** Where somebody said "unread from here", on any device: looking at it reads nothing until they leave and come back. */
  const held = shallowReactive(new Set<Place>())
  const typing = shallowReactive(new Map<string, TypingMap>())
  /** How I arranged each workspace's channels, as the server has it. */
  const sidebars = shallowReactive(new Map<string, Sidebar>())
  /** Who is there, as far as the stream was asked to tell. */
  const presence = shallowReactive(new Map<string, PresenceState>())
  /** Whose presence is on the screen, and how often. */
  const watched = shallowReactive(new Map<string, number>())
  /** What is here comes from the copy in this browser: the server has not been asked yet. */
  const fromCopy = ref(false)
  const myId = computed(() => me.value?.id ?? '')

  /** Channels with something new in a thread that I follow. */
  const answered = computed(() => {
    const open = [...threads.values()].filter((thread) => thread.following && thread.unread > 0)
    return new Set(open.map((thread) => thread.channelId))
  })

  function setUser(user: User): void {
    users.set(user.id, user)
    atEnd(user.status?.until, () => users.get(user.id)?.status?.until === user.status?.until && endStatus(user.id))
    if (me.value?.id === user.id) me.value = { ...me.value, ...user }
  }

  /** No event tells the end of a status: it is over by the clock. */
  function endStatus(userId: string): void {
    const user = users.get(userId)
    if (user !== undefined) setUser({ ...user, status: null })
  }

  function setMe(value: Me): void {
    me.value = value
    setUser(value)
  }

  function setWorkspaces(items: readonly WorkspaceMembership[]): void {
    const known = new Map(workspaces)
    workspaces.clear()
    // The list of workspaces says nothing of mutes.
    for (const item of items) workspaces.set(item.workspace.id, { ...known.get(item.workspace.id), ...item })
  }

  function setChannel(channel: Channel, patch: Partial<Omit<ChannelEntry, 'channel'>> = {}): void {
    const known = channels.get(channel.id)
    channels.set(channel.id, {
      joined: known?.joined ?? false,
      memberCount: known?.memberCount ?? 0,
      lastNoteSeq: known?.lastNoteSeq ?? 0,
      mutedUntil: known?.mutedUntil ?? null,
      preferences: known?.preferences ?? UNTOUCHED,
      // A cursor begins at the joining.
      ...(known?.joined ? cursorIn(known) : cursorAt(channel.last_seq)),
      ...patch,
      knownSeq: Math.max(patch.knownSeq ?? 0, known?.knownSeq ?? 0) || channel.last_seq,
      // A copy from an answer may be older than what events have told since.
      channel: {
        ...channel,
        last_seq: Math.max(channel.last_seq, known?.channel.last_seq ?? 0),
        last_msg_seq: Math.max(channel.last_msg_seq, known?.channel.last_msg_seq ?? 0),
      },
    })
  }

  /** I am in this channel now, by an answer to a request; its event may have been here before. */
  function setJoined(channel: Channel, memberCount?: number): void {
    const known = channels.get(channel.id)
    if (known?.joined) return setChannel(channel)
    setChannel(channel, {
      joined: true,
      memberCount: memberCount ?? channel.member_ids?.length ?? (known?.memberCount ?? 0) + 1,
      knownSeq: channel.last_seq,
    })
  }

  function cursorOf(place: Place): Cursor | null {
    const thread = threadOf(place)
    if (thread === null) return channels.get(place) ?? null
    const entry = threads.get(thread)
    return entry?.following ? entry : null
  }

  function setCursor(place: Place, patch: Partial<Cursor>): void {
    const thread = threadOf(place)
    const channel = thread === null ? channels.get(place) : undefined
    if (channel !== undefined) channels.set(place, { ...channel, ...patch })
    const followed = threads.get(thread ?? '')
    if (thread !== null && followed !== undefined) threads.set(thread, { ...followed, ...patch })
  }

  /** By whose eyes and by which rules unread is counted in a place. */
  function readerOf(place: Place): Reader {
    const entry = channels.get(channelOf(place))
    return { me: myId.value, direct: entry !== undefined && isDirect(entry.channel), thread: threadOf(place) }
  }

  function setThread(id: string, thread: ThreadEntry): void {
    const known = threads.get(id)
    // There is no cursor any more that could be moved.
    if (!thread.following) readWishes.delete(placeIn(thread.channelId, id))
    if (!readWishes.has(placeIn(thread.channelId, id)) || known?.following !== thread.following) threads.set(id, thread)
  }

  /** Answers and events cross: the newest arrangement stays. */
  function setSidebar(workspaceId: string, sidebar: Sidebar): void {
    if (sidebar.version >= (sidebars.get(workspaceId)?.version ?? 0)) sidebars.set(workspaceId, sidebar)
  }

  /** Takes a workspace as the server painted it. Channels that are loaded keep what they have applied. */
  function setBootstrap(snapshot: Bootstrap): void {
    const id = snapshot.workspace.id
    setMe(snapshot.me)
    elsewhere.delete(id)
    const mine = snapshot.members.find((member) => member.user.id === snapshot.me.id)
    workspaces.set(id, { workspace: snapshot.workspace, role: snapshot.role, mutedUntil: mine?.muted_until ?? null })
    for (const { user } of [...snapshot.members, ...snapshot.former]) setUser(user)
    members.set(id, new Map(snapshot.members.map((member) => [member.user.id, member.role])))
    sidebars.set(id, snapshot.sidebar)
    const present = new Set(snapshot.channels.map((item) => item.channel.id))
    for (const [channelId, entry] of channels) {
      if (entry.channel.workspace_id === id && !present.has(channelId)) forgetChannel(channelId)
    }
    for (const item of snapshot.channels) {
      const loaded = timelines.has(item.channel.id)
      setChannel(item.channel, {
        joined: true,
        memberCount: item.member_count,
        mutedUntil: item.muted_until,
        preferences: item.preferences,
        // What was read here and is on its way to the server is not in the snapshot.
        ...(readWishes.has(item.channel.id) ? {} : {
          readSeq: item.read_seq, unread: item.unread, mentions: item.mentions, countedSeq: item.channel.last_seq,
        }),
        ...(loaded ? {} : { knownSeq: item.channel.last_seq }),
      })
    }
  }

  /** A channel's history from the copy in this browser. As long as everything is, the channel is known as far as that. */
  function setCopied(channelId: string, timeline: Timeline, knownSeq: number): void {
    const entry = channels.get(channelId)
    if (entry === undefined) return
    timelines.set(channelId, timeline)
    if (fromCopy.value) channels.set(channelId, { ...entry, knownSeq })
  }

  function forgetChannel(channelId: string): void {
    const workspaceId = channels.get(channelId)?.channel.workspace_id ?? ''
    const sidebar = sidebars.get(workspaceId)
    // Who comes back finds it where channels stand by themselves, as a fresh fetch shows.
    if (sidebar !== undefined) sidebars.set(workspaceId, { ...sidebar, sections: [...unplaced(channelId)(sidebar.sections)] })
    channels.delete(channelId)
    forgetHistory(channelId)
    typing.delete(channelId)
    for (const [id, thread] of threads) if (thread.channelId === channelId) threads.delete(id)
  }

  /** The channel's and its threads'. */
  function forgetHistory(channelId: string): void {
    for (const place of timelines.keys()) if (channelOf(place) === channelId) timelines.delete(place)
  }

  function forgetWorkspace(workspaceId: string): void {
    workspaces.delete(workspaceId)
    members.delete(workspaceId)
    sidebars.delete(workspaceId)
    for (const [channelId, entry] of channels) {
      if (entry.channel.workspace_id === workspaceId) forgetChannel(channelId)
    }
  }

  function clear(): void {
    me.value = null
    fromCopy.value = false
    for (const map of [users, workspaces, members, channels, timelines, newestReplies, threads, elsewhere, readWishes, held, typing, sidebars, presence]) map.clear()
  }

  return {
    me, myId, fromCopy, users, workspaces, members, channels, timelines, newestReplies, threads, answered, elsewhere, readWishes, held, typing, sidebars, presence, watched,
    setUser, setMe, setWorkspaces, setChannel, setJoined, cursorOf, setCursor, readerOf, setThread, setSidebar, setBootstrap, setCopied, forgetChannel, forgetHistory,
    forgetWorkspace, clear,
  }
})

function cursorIn({ readSeq, countedSeq, unread, mentions }: Cursor): Cursor {
  return { readSeq, countedSeq, unread, mentions }
}

export type Entities = ReturnType<typeof useEntities>
