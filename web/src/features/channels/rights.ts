/** What I may do with a channel, to offer no more; the server decides. Pure. */
import type { ChannelMember } from '@/api/types'
import { isDirect } from '@/entities/naming'
import { may } from '@/entities/permissions'
import type { ChannelEntry, WorkspaceEntry } from '@/entities/store'

export interface ChannelRights {
  /** Set topic and purpose. */
  readonly describe: boolean
  /** Rename, make owners. */
  readonly govern: boolean
  readonly kick: boolean
  readonly add: boolean
  readonly leave: boolean
}

const NOTHING: ChannelRights = { describe: false, govern: false, kick: false, add: false, leave: false }

/** `seat` is my place in it, once it is known; who owns a channel governs it unless they are a guest. */
export function rightsIn(entry: ChannelEntry, home: WorkspaceEntry | undefined, seat: ChannelMember | undefined): ChannelRights {
  const { channel } = entry
  if (isDirect(channel) || home === undefined) return NOTHING
  const owns = seat?.role === 'owner' && home.role !== 'guest'
  if (channel.archived_at !== null) return { ...NOTHING, leave: entry.joined }
  const govern = owns || may(home, 'manage_channels')
  return {
    describe: govern || (entry.joined && channel.posting === 'everyone'),
    govern,
    kick: owns || may(home, 'kick_members'),
    add: entry.joined && home.role !== 'guest',
    leave: entry.joined,
  }
}
