/** Who is who in a channel. */
import { request } from './client'
import type { ChannelMember } from './types'

export const channelSeats = {
  setRole: (channelId: string, userId: string, role: 'owner' | 'member') =>
    request<ChannelMember>('PATCH', `/channels/${channelId}/members/${userId}`, { body: { role } }),
}
