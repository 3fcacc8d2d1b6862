import type { Channel } from '@/api/types'
import { isDirect } from '@/entities/naming'
import { may } from '@/entities/permissions'
import type { WorkspaceEntry } from '@/entities/store'

/** Whether to offer it; the server decides. Newcomers come into `general` and the default channels. */
export function deletable(channel: Channel, home: WorkspaceEntry | undefined): boolean {
  if (isDirect(channel) || channel.is_default) return false
  if (channel.kind === 'public' && channel.name === 'general') return false
  return may(home, 'delete_channels')
}
