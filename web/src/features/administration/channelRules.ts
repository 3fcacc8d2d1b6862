/** What of a channel may be changed by whom. Pure; the server decides. */
import type { Channel } from '@/api/types'
import { isDirect } from '@/entities/naming'
import type { Permission } from '@/entities/permissions'
import { may } from '@/entities/permissions'
import type { WorkspaceEntry } from '@/entities/store'

/** Seconds between two messages of one person. */
export const SLOWNESS = [0, 5, 10, 30, 60, 300, 900, 3_600, 21_600] as const

export interface ChannelRights {
  manage: boolean
  slow: boolean
  archive: boolean
  remove: boolean
  mute: boolean
  ban: boolean
}

/** `owner`: I own the channel, which gives a person of the house most of it there. */
export function rightsIn(channel: Channel, home: WorkspaceEntry | undefined, owner = false): ChannelRights {
  const owns = owner && home !== undefined && home.role !== 'guest'
  const direct = isDirect(channel)
  const open = channel.archived_at === null && !direct
  const has = (permission: Permission) => owns || may(home, permission)
  const entrance = channel.is_default || (channel.kind === 'public' && channel.name === 'general')
  return {
    manage: open && has('manage_channels'),
    slow: open && has('set_slow_mode'),
    archive: !direct && !channel.is_default && has('archive_channels'),
    remove: !direct && !entrance && may(home, 'delete_channels'),
    mute: open && has('mute_members'),
    ban: open && has('ban_members'),
  }
}

export const governsAnything = (rights: ChannelRights): boolean => Object.values(rights).some(Boolean)
