/** What may become of a reported message, by who looks at it. Pure; the server decides. */
import type { ReportedMessage, Territory } from '@/api/administration'
import type { Role } from '@/api/types'
import { isDirect } from '@/entities/naming'
import { may, outranks } from '@/entities/permissions'
import type { ChannelEntry, WorkspaceEntry } from '@/entities/store'

import type { Deed } from './deeds'

export type Decision = 'dismiss' | 'delete' | Deed

export const OUTCOMES = {
  dismiss: 'dismissed', delete: 'message_deleted', mute: 'person_muted', kick: 'person_kicked', ban: 'person_banned',
} as const satisfies Record<Decision, string>

export interface Seen {
  /** The channel, when I can read it. */
  entry: ChannelEntry | undefined
  /** Of who wrote it; undefined when they are gone. */
  author: Role | undefined
}

export function decisions(home: WorkspaceEntry, { entry, author }: Seen): Decision[] {
  const below = author !== undefined && outranks(home.role, author)
  const moderated = entry !== undefined && !isDirect(entry.channel)
  return [
    'dismiss',
    ...(entry !== undefined && may(home, 'delete_messages') ? (['delete'] as const) : []),
    ...(below && may(home, 'mute_members') ? (['mute'] as const) : []),
    ...(below && moderated && may(home, 'kick_members') ? (['kick'] as const) : []),
    ...(below && may(home, 'ban_members') ? (['ban'] as const) : []),
  ]
}

/** Where a deed can be done: in a channel that I can read, else in all of the workspace. */
export function territoriesFor(deed: Deed, { report }: ReportedMessage, entry: ChannelEntry | undefined): Territory[] {
  const channel = entry !== undefined && !isDirect(entry.channel) ? [{ room: 'channels' as const, id: report.channel_id }] : []
  return deed === 'kick' ? channel : [...channel, { room: 'workspaces' as const, id: report.workspace_id }]
}
