/**
 * What each event does to the store. Events carry absolute values, so applying one twice does no harm,
 * except to counts: those are guarded by `ch_seq` before we get here (see realtime/sync.ts).
 */
import type { Envelope } from '@/api/events'
import type { Channel, Message } from '@/api/types'

import type { Place } from './place'
import { channelOf, placeIn, threadOf } from './place'
import { withReaction } from './reactions'
import type { Entities } from './store'
import { rootOf } from './thread'
import { withChange, withMessage, withPatch, withPresent } from './timeline'
import { withoutTyping } from './typing'
import { cursorAt, withArrival, withDeletion } from './unread'

export function applyEvent(store: Entities, event: Envelope): void {
  switch (event.type) {
    case 'message.created':
      applyMessage(store, event.data.message)
      countArrival(store, event.data.message)
      return applySummary(store, event)
    case 'message.deleted':
      countDeletion(store, event)
      applyChange(store, event.data.message)
      return applySummary(store, event)
    case 'message.updated':
      applyPresent(store, event.data.message)
      return applySummary(store, event)
    case 'message.pinned':
    case 'message.unpinned':
      return applyPin(store, event.data.message)
    case 'reaction.added':
    case 'reaction.removed':
      return applyReactions(store, event)
    case 'channel.created':
    case 'channel.updated':
    case 'channel.archived':
      return applyChannel(store, event.data.channel)
    case 'member.joined':
      return applyJoined(store, event)
    case 'member.updated':
      return applySeat(store, event)
    case 'member.left':
      return applyLeft(store, event)
    case 'ban.updated':
      return applyBan(store, event)
    case 'workspace.updated':
      return applyWorkspace(store, event)
    case 'workspace.member_joined':
      return applyWorkspaceJoined(store, event)
    case 'workspace.member_left':
      return applyWorkspaceLeft(store, event)
    case 'workspace.member_updated':
      return applyWorkspaceSeat(store, event)
    case 'user.updated':
      return store.setUser(event.data.user)
    case 'presence.updated':
      return applyPresence(store, event)
    case 'read.updated':
      return applyRead(store, event)
    case 'thread.followed':
      return applyFollowed(store, event)
    case 'preferences.updated':
      return applyPreferences(store, event)
    case 'sidebar.updated':
      return store.setSidebar(event.workspace_id ?? '', event.data.sidebar)
    default:
      // A type this version does not know: its `ch_seq` still counts.
      return advance(store, event)
  }
}

type EventOf<Type extends Envelope['type']> = Extract<Envelope, { type: Type }>
type Told = EventOf<'message.created' | 'message.updated' | 'message.deleted'>

/** Also used for the answer to a send, which may be here before its event. */
export function applyMessage(store: Entities, message: Message): void {
  if (message.system) return applyNote(store, message)
  applyNewest(store, message)
  for (const [place, timeline] of store.timelines) {
    if (shows(place, message)) store.timelines.set(place, withMessage(timeline, message))
  }
  const typing = store.typing.get(message.channel_id)
  if (typing !== undefined) store.typing.set(message.channel_id, withoutTyping(typing, message.author_id))
}

function applyNewest(store: Entities, message: Message): void {
  const entry = store.channels.get(message.channel_id)
  if (message.thread_id !== null) {
    const newest = store.newestReplies.get(message.thread_id) ?? 0
    store.newestReplies.set(message.thread_id, Math.max(newest, message.ch_seq))
  }
  if (entry === undefined || message.ch_seq <= entry.channel.last_msg_seq) return
  store.setChannel({ ...entry.channel, last_msg_seq: message.ch_seq })
}

/** The places where a message may be unread: its channel, and the thread that it is a reply in. */
function placesOf({ channel_id: channelId, thread_id: threadId }: Message): readonly Place[] {
  return threadId === null ? [channelId] : [channelId, placeIn(channelId, threadId)]
}

/** Only by events, each once: an answer to a send is no news to who sent it. */
function countArrival(store: Entities, message: Message): void {
  if (!store.channels.get(message.channel_id)?.joined) return
  for (const place of placesOf(message)) {
    const cursor = store.cursorOf(place)
    if (cursor !== null) store.setCursor(place, withArrival(cursor, message, store.readerOf(place)))
  }
}

function countDeletion(store: Entities, event: Told): void {
  const { message } = event.data
  for (const place of placesOf(message)) {
    const cursor = store.cursorOf(place)
    const known = store.timelines.get(message.channel_id)?.items.find((item) => item.id === message.id) ?? message
    if (cursor === null || known.deleted_at !== null && known !== message) continue
    store.setCursor(place, withDeletion(cursor, known, event.ch_seq ?? 0, store.readerOf(place)))
  }
}

/** How far I have read, on whichever device. The numbers are what is left, at this place among the channel's events. */
function applyRead(store: Entities, event: EventOf<'read.updated'>): void {
  const { channel_id: channelId, thread_id: threadId, read_seq: readSeq, unread, mentions } = event.data
  const place = placeIn(channelId, threadId)
  const wish = store.readWishes.get(place)
  // I have read on, or back, since that was said; what comes of it will be told as well.
  if (wish !== undefined && (wish.exact ? readSeq !== wish.seq : readSeq < wish.seq)) return
  if (threadId !== null && !store.threads.get(threadId)?.following) {
    const workspaceId = event.workspace_id ?? ''
    store.setThread(threadId, { ...cursorAt(readSeq), channelId, workspaceId, following: true })
  }
  const before = store.cursorOf(place)
  if (before === null) return
  if (readSeq < before.readSeq) store.held.add(place)
  else if (readSeq > before.readSeq) store.held.delete(place)
  store.setCursor(place, { readSeq, unread, mentions })
}

/** From here on, or no longer; it begins with nothing unread. */
function applyFollowed(store: Entities, event: EventOf<'thread.followed'>): void {
  const { channel_id: channelId, thread_id: threadId, following } = event.data
  const seq = store.channels.get(channelId)?.knownSeq ?? 0
  store.setThread(threadId, { ...cursorAt(seq), channelId, workspaceId: event.workspace_id ?? '', following })
}

function applyPreferences(store: Entities, event: EventOf<'preferences.updated'>): void {
  const { channel_id: channelId, preferences } = event.data
  const known = store.channels.get(channelId)
  if (known !== undefined) store.setChannel(known.channel, { preferences })
}

/** A channel's history holds its replies as well; a thread's its first message and the replies to that. */
function shows(place: Place, message: Message): boolean {
  if (channelOf(place) !== message.channel_id) return false
  const thread = threadOf(place)
  return thread === null || thread === rootOf(message)
}

/** Nobody wrote it: it makes nothing unread and says nothing of whether its author is typing. */
function applyNote(store: Entities, note: Message): void {
  const entry = store.channels.get(note.channel_id)
  if (entry !== undefined && note.ch_seq > entry.lastNoteSeq) store.setChannel(entry.channel, { lastNoteSeq: note.ch_seq })
  const timeline = store.timelines.get(note.channel_id)
  if (timeline !== undefined) store.timelines.set(note.channel_id, withMessage(timeline, note))
}

/** An edit or a deletion: it changes a message where it stands and never adds one. Also for the answer to a request. */
export function applyChange(store: Entities, message: Message): void {
  for (const [place, timeline] of store.timelines) {
    if (shows(place, message)) store.timelines.set(place, withChange(timeline, message))
  }
}

/** As the message is at this event, or after its restoration: a deleted one is there again. */
export function applyPresent(store: Entities, message: Message): void {
  for (const [place, timeline] of store.timelines) {
    if (shows(place, message)) store.timelines.set(place, withPresent(timeline, message))
  }
}

/** Of a pin's event only the pin is taken: its text may have been taken out of the log. Also for the answer to a request. */
export function applyPin(store: Entities, message: Message): void {
  patchMessage(store, message.channel_id, message.id, { pinned: message.pinned })
}

/** An edit says nothing of the thread; a deletion does, also that nothing is left of it. */
function applySummary(store: Entities, event: Told): void {
  const { message, thread = null } = event.data
  if (message.thread_id === null || (thread === null && event.type !== 'message.deleted')) return
  patchMessage(store, message.channel_id, message.thread_id, { thread })
}

function applyReactions(store: Entities, event: EventOf<'reaction.added' | 'reaction.removed'>): void {
  const { message_id: id, reactions } = event.data
  patchMessage(store, event.channel_id ?? '', id, { reactions })
}

function patchMessage(store: Entities, channelId: string, id: string, patch: Partial<Message>): void {
  for (const [place, timeline] of store.timelines) {
    if (channelOf(place) === channelId) store.timelines.set(place, withPatch(timeline, id, patch))
  }
}

/**
 * The server has taken my reaction, or its withdrawal. The answer's own list of reactions may be older than what events
 * have told since, so of it only this is taken; the event brings the whole.
 */
export function applyMyReaction(
  store: Entities,
  { channel_id: channelId, id }: Pick<Message, 'channel_id' | 'id'>,
  emoji: string,
  on: boolean,
): void {
  for (const [place, timeline] of store.timelines) {
    const known = channelOf(place) === channelId ? timeline.items.find((item) => item.id === id) : undefined
    if (known === undefined) continue
    const reactions = [...withReaction(known.reactions, emoji, store.myId, on)]
    store.timelines.set(place, withPatch(timeline, id, { reactions }))
  }
}

/** Notes that a channel has been applied up to this event. */
export function advance(store: Entities, event: { channel_id: string | null; ch_seq: number | null }): void {
  if (event.channel_id === null || event.ch_seq === null) return
  const entry = store.channels.get(event.channel_id)
  if (entry === undefined || entry.knownSeq >= event.ch_seq) return
  store.setChannel({ ...entry.channel, last_seq: event.ch_seq }, { knownSeq: event.ch_seq })
}

/** A public channel that became private is there for its people only; the others are told this one last thing. */
function applyChannel(store: Entities, channel: Channel): void {
  const known = store.channels.get(channel.id)
  if (channel.kind === 'private' && known?.joined === false) return store.forgetChannel(channel.id)
  store.setChannel(channel)
}

function applyJoined(store: Entities, event: EventOf<'member.joined'>): void {
  const { channel, user, muted_until: mutedUntil = null } = event.data
  store.setUser(user)
  const mine = user.id === store.myId
  const known = store.channels.get(channel.id)
  if (mine && !known?.joined) {
    // From here on we are told everything; what came before is loaded with the history.
    return store.setChannel(channel, {
      joined: true,
      memberCount: (known?.memberCount ?? 0) + 1,
      mutedUntil,
      ...cursorAt(Math.max(event.ch_seq ?? 0, channel.last_seq)),
      knownSeq: Math.max(event.ch_seq ?? 0, channel.last_seq),
    })
  }
  store.setChannel(channel, mine ? { mutedUntil } : { memberCount: (known?.memberCount ?? 0) + 1 })
}

/** Of others' seats nothing is kept here. */
function applySeat(store: Entities, event: EventOf<'member.updated'>): void {
  const known = store.channels.get(event.channel_id ?? '')
  if (known === undefined || event.data.user_id !== store.myId) return
  store.setChannel(known.channel, { mutedUntil: event.data.muted_until ?? null })
}

function applyLeft(store: Entities, event: EventOf<'member.left'>): void {
  const id = event.channel_id
  const known = id === null ? undefined : store.channels.get(id)
  if (id === null || known === undefined) return
  if (event.data.user_id === store.myId) return store.forgetChannel(id)
  store.setChannel(known.channel, { memberCount: Math.max(0, known.memberCount - 1) })
}

/** Also a public channel that I am not in is closed to me then. */
function applyBan(store: Entities, event: EventOf<'ban.updated'>): void {
  if (event.data.banned && event.data.user_id === store.myId) store.forgetChannel(event.data.channel_id)
}

/** How I want to appear, as I said on another device. */
function applyPresence(store: Entities, event: EventOf<'presence.updated'>): void {
  if (store.me?.id === event.data.user_id) store.me = { ...store.me, presence: event.data.presence }
}

function applyWorkspace(store: Entities, event: EventOf<'workspace.updated'>): void {
  const { workspace } = event.data
  const known = store.workspaces.get(workspace.id)
  if (known !== undefined) store.workspaces.set(workspace.id, { ...known, workspace })
}

function applyWorkspaceJoined(store: Entities, event: EventOf<'workspace.member_joined'>): void {
  const { user, role } = event.data
  store.setUser(user)
  const id = event.workspace_id
  const members = id === null ? undefined : store.members.get(id)
  if (id !== null && members !== undefined) store.members.set(id, new Map(members).set(user.id, role))
}

function applyWorkspaceSeat(store: Entities, event: EventOf<'workspace.member_updated'>): void {
  const id = event.workspace_id
  if (id === null) return
  const { user_id, role, muted_until: mutedUntil = null } = event.data
  const members = store.members.get(id)
  if (members !== undefined) store.members.set(id, new Map(members).set(user_id, role))
  const mine = store.workspaces.get(id)
  if (user_id === store.myId && mine !== undefined) store.workspaces.set(id, { ...mine, role, mutedUntil })
}

function applyWorkspaceLeft(store: Entities, event: EventOf<'workspace.member_left'>): void {
  const id = event.workspace_id
  if (id === null) return
  if (event.data.user_id === store.myId) return store.forgetWorkspace(id)
  const members = new Map(store.members.get(id))
  members.delete(event.data.user_id)
  store.members.set(id, members)
}
