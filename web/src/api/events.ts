/** Events as they come over the stream and from `GET /channels/{ch}/events`. */
import type { Run, RunDelta, RunStep } from './ai'
import type { ChannelPreferences, Notification, ReadState } from './attention'
import type { Draft } from './drafts'
import type { Reminder, ReminderSubject } from './marks'
import type { PersonState } from './people'
import type { Sidebar } from './sidebar'
import type { Scheduled } from './scheduled'
import type { Channel, Message, PresenceSettings, Reaction, Role, ThreadSummary, User, Workspace } from './types'

interface EnvelopeOf<Type extends string, Data> {
  id: string
  type: Type
  v: number
  workspace_id: string | null
  channel_id: string | null
  ch_seq: number | null
  actor_id: string | null
  time: string
  data: Data
}

/** `reactions` are all that the message has now. */
interface Reacting {
  message_id: string
  user_id: string
  emoji: string
  reactions: Reaction[]
}

/** Until when somebody may not write. Events from before there were mutes come without it. */
interface Mute {
  muted_until?: string | null
}

interface Departure {
  user_id: string
  reason: 'left' | 'removed'
}

/** `thread` comes with a reply that is new, back or gone: what now stands under the first message of its thread. */
export type Envelope =
  | EnvelopeOf<'message.created' | 'message.updated' | 'message.deleted', { message: Message; thread?: ThreadSummary | null }>
  | EnvelopeOf<'reaction.added' | 'reaction.removed', Reacting>
  | EnvelopeOf<'message.pinned' | 'message.unpinned', { message: Message }>
  | EnvelopeOf<'saved.updated', { channel_id: string; message_id: string; saved: boolean }>
  | EnvelopeOf<'reminder.updated', { reminder_id: string; reminder: Reminder | null }>
  | EnvelopeOf<'reminder.due', { reminder: Reminder; subject: ReminderSubject }>
  | EnvelopeOf<'run.started' | 'run.finished', { run: Run }>
  | EnvelopeOf<'channel.created' | 'channel.updated' | 'channel.archived', { channel: Channel }>
  | EnvelopeOf<'member.joined', { channel: Channel; user: User; role: Role } & Mute>
  | EnvelopeOf<'member.updated', { user_id: string; role: Role } & Mute>
  | EnvelopeOf<'member.left', Departure>
  | EnvelopeOf<'workspace.updated', { workspace: Workspace }>
  | EnvelopeOf<'workspace.member_joined', { user: User; role: Role } & Mute>
  | EnvelopeOf<'workspace.member_updated', { user_id: string; role: Role } & Mute>
  | EnvelopeOf<'workspace.member_left', Departure>
  | EnvelopeOf<'ban.updated', { channel_id: string; user_id: string; banned: boolean }>
  | EnvelopeOf<'user.updated', { user: User }>
  | EnvelopeOf<'draft.updated', { channel_id: string; thread_id: string | null; draft: Draft | null }>
  | EnvelopeOf<'scheduled.updated', { scheduled_id: string; scheduled: Scheduled | null }>
  | EnvelopeOf<'presence.updated', { user_id: string; presence: PresenceSettings }>
  | EnvelopeOf<'read.updated', ReadState>
  | EnvelopeOf<'thread.followed', { channel_id: string; thread_id: string; following: boolean }>
  | EnvelopeOf<'preferences.updated', { channel_id: string; preferences: ChannelPreferences }>
  | EnvelopeOf<'notification.created' | 'notification.withdrawn', { notification: Notification }>
  | EnvelopeOf<'notifications.read', { read_id: string }>
  | EnvelopeOf<'keywords.updated', { keywords: string[] }>
  | EnvelopeOf<'sidebar.updated', { sidebar: Sidebar }>

export interface Typing {
  type: 'typing'
  workspace_id: string
  channel_id: string
  user_id: string
  expires_in_ms: number
}

/** How people are who are watched. Never replayed. */
export interface Presence {
  type: 'presence'
  people: PersonState[]
}

/** What a run says while it writes; lost ones are asked for. */
export type RunSign = RunDelta | RunStep

export interface Hello {
  resumed: boolean
  cursor: string
  server: string
  rotate_s: number
  /** Names this connection in requests about it. */
  connection: string
}

export type ResetReason = 'invalid' | 'foreign' | 'expired' | 'epoch' | 'too_far'
export type ByeReason = 'rotate' | 'slow' | 'drain' | 'token_expired' | 'revoked' | 'quarantine'
