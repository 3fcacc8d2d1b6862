/**
 * The names the front end uses for the contract's types.
 * Everything else imports from here and never from the generated file, so a rename there is one line here.
 */
import type { Envelope } from './events'

export type Role = 'owner' | 'admin' | 'member' | 'guest'
export type ChannelKind = 'public' | 'private' | 'dm' | 'group_dm'

export interface User {
  id: string
  username: string
  display_name: string
  created_at: string
  deactivated_at: string | null
}

export interface Me extends User {
  email: string
  preferences: Record<string, unknown>
}

export interface Workspace {
  id: string
  name: string
  slug: string
  created_by: string
  created_at: string
}

export interface Channel {
  id: string
  workspace_id: string
  kind: ChannelKind
  name: string | null
  topic: string
  created_by: string
  created_at: string
  archived_at: string | null
  last_seq: number
  last_msg_seq: number
  member_ids: string[] | null
}

export interface Message {
  id: string
  workspace_id: string
  channel_id: string
  ch_seq: number
  author_id: string
  text: string
  thread_id: string | null
  mentions: string[]
  reactions: unknown[]
  edited_at: string | null
  deleted_at: string | null
  created_at: string
  client_msg_id: string
}

export interface AuthResult {
  user: Me
  access_token: string
  token_type: string
  expires_in: number
  refresh_token: string | null
}

export interface Invite {
  code: string
  role: Role
  max_uses: number | null
  uses: number
  expires_at: string | null
  created_by: string
  created_at: string
}

export interface WorkspaceMembership {
  workspace: Workspace
  role: Role
}

export interface ChannelListing {
  channel: Channel
  joined: boolean
  member_count: number
}

export interface BootstrapChannel extends ChannelListing {
  read_seq: number
}

export interface Member {
  user: User
  role: Role
}

export interface ChannelMember extends Member {
  joined_at: string
}

export interface Bootstrap {
  cursor: string | null
  me: Me
  workspace: Workspace
  role: Role
  channels: BootstrapChannel[]
  members: Member[]
  server_time: string
}

export interface MessagePage {
  items: Message[]
  has_before: boolean
  has_after: boolean
}

export interface Page<T> {
  items: T[]
  next: string | null
}

export interface EventPage {
  items: Envelope[]
  last_seq: number
  has_more: boolean
}
