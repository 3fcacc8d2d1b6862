import type { Channel, Role } from '@/api/types'
import { isDirect } from '@/entities/naming'
import type { WorkspaceEntry } from '@/entities/store'

/** The weakest first. */
const ORDER: readonly Role[] = ['guest', 'member', 'moderator', 'admin', 'owner']

/** Whether to offer it; the server decides. Newcomers come into `general` and the default channels. */
export function deletable(channel: Channel, home: WorkspaceEntry | undefined): boolean {
  if (home === undefined || isDirect(channel) || channel.is_default) return false
  if (channel.kind === 'public' && channel.name === 'general') return false
  const least = home.workspace.permissions?.['delete_channels'] ?? 'admin'
  return ORDER.indexOf(home.role) >= ORDER.indexOf(least)
}
