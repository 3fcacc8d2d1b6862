/** What waits for me: cursors, unread numbers, threads that I follow, what I was told of and why, and what I want to be told of. */
import type { Answer, Schemas } from './answer'
import { request } from './client'
import type { Message } from './types'

export type ReadState = Answer<Schemas['ReadState']>
export type ChannelPreferences = Answer<Schemas['ChannelPreferences']>
export type PreferencesPatch = Schemas['PatchPreferences']
export type NotificationLevel = Schemas['NotificationLevel']
export type NotificationReason = Schemas['NotificationReason']
export type Notification = Answer<Schemas['Notification']>
export type NotificationItem = Answer<Schemas['NotificationItem']>
export type NotificationPage = Answer<Schemas['NotificationPage']>
export type FollowedThread = Answer<Schemas['FollowedThread']>
export type FormerCursors = Answer<Schemas['FormerCursors']>
export type Unread = Answer<Schemas['Unread']>

export const LEVELS: readonly NotificationLevel[] = ['all', 'mentions', 'none']

interface Page<Item> {
  items: Item[]
  next: string | null
}

interface Marking {
  seq: number
  /** Also down: it is unread again from there. */
  exact: boolean
  /** Outlives the page. */
  keepalive: boolean
}

const marked = ({ seq, exact, keepalive }: Marking) => ({ body: { seq, exact }, keepalive })
const PAGE = 50

export const attention = {
  readChannel: (id: string, marking: Marking) => request<ReadState>('PUT', `/channels/${id}/read`, marked(marking)),
  readThread: (id: string, marking: Marking) => request<ReadState>('PUT', `/threads/${id}/read`, marked(marking)),
  unread: (workspaceId: string) => request<Unread>('GET', `/workspaces/${workspaceId}/unread`),
  readAll: (workspaceId: string) => request<FormerCursors>('POST', `/workspaces/${workspaceId}/read-all`),
  mentions: (workspaceId: string, cursor: string | null) =>
    request<Page<Message>>('GET', `/workspaces/${workspaceId}/mentions`, { query: { cursor, limit: PAGE } }),
  threads: (workspaceId: string, filter: 'all' | 'unread', cursor: string | null) =>
    request<Page<FollowedThread>>('GET', `/workspaces/${workspaceId}/threads`, { query: { filter, cursor, limit: PAGE } }),
  follow: (threadId: string) => request<undefined>('PUT', `/threads/${threadId}/follow`),
  unfollow: (threadId: string) => request<undefined>('DELETE', `/threads/${threadId}/follow`),
  setPreferences: (channelId: string, body: PreferencesPatch) =>
    request<ChannelPreferences>('PUT', `/channels/${channelId}/preferences`, { body }),
  notifications: (workspaceId: string, cursor: string | null) =>
    request<NotificationPage>('GET', `/workspaces/${workspaceId}/notifications`, { query: { cursor, limit: PAGE } }),
  seen: (workspaceId: string, id: string) =>
    request<{ read_id: string | null }>('POST', `/workspaces/${workspaceId}/notifications/read`, { body: { id } }),
  keywords: (workspaceId: string) => request<{ keywords: string[] }>('GET', `/workspaces/${workspaceId}/keywords`),
  setKeywords: (workspaceId: string, keywords: readonly string[]) =>
    request<{ keywords: string[] }>('PUT', `/workspaces/${workspaceId}/keywords`, { body: { keywords } }),
}
