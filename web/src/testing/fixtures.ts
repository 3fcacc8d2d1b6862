/** People, channels and messages as the API answers them. For tests only: each says no more than what it is about. */
import type { AuthResult, Channel, Me, Message, PresenceSettings, SystemNote, User } from '@/api/types'

export const TIME = '2026-11-21T04:00:00.000Z'

/** As everybody is before they say otherwise. */
const PRESENT: PresenceSettings = { state: 'auto', dnd_until: null, time_zone: null, quiet_hours: null }

export function person(id: string, patch: Partial<User> = {}): User {
  return {
    id, username: id, display_name: id, created_at: TIME, deactivated_at: null, kind: 'person', status: null, ...patch,
  }
}

export function myself(id: string, patch: Partial<Me> = {}): Me {
  return {
    ...person(id), email: `${id}@example.org`, preferences: {}, presence: PRESENT, ...patch,
  }
}

export function session(patch: Partial<AuthResult> = {}): AuthResult {
  return {
    user: myself('ana'), access_token: 't', token_type: 'Bearer', expires_in: 86_400, refresh_token: null, ...patch,
  }
}

export function channel(id: string, lastSeq = 0, patch: Partial<Channel> = {}): Channel {
  return {
    id, workspace_id: 'w', kind: 'public', name: id, topic: '', created_by: 'ana', created_at: TIME, archived_at: null,
    last_seq: lastSeq, last_msg_seq: lastSeq, member_ids: null, purpose: '', posting: 'everyone', is_default: false,
    slow_mode_s: 0, ...patch,
  }
}

export function message(seq: number, patch: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`, workspace_id: 'w', channel_id: 'c', ch_seq: seq, author_id: 'ben', text: `${seq}`, thread_id: null,
    mentions: [], reactions: [], edited_at: null, deleted_at: null, ai: null, audience: null, channels: [],
    messages: [], links: [], in_channel: false, thread: null, forwarded: null, pinned: null, system: null,
    created_at: TIME, client_msg_id: `k${seq}`, ...patch,
  }
}

/** What a message that nobody wrote says. */
export function note(kind: SystemNote['kind'], patch: Partial<SystemNote> = {}): SystemNote {
  return { kind, user_ids: [], count: 0, before: null, after: null, message_id: null, ...patch }
}
