/** Every endpoint the front end uses, by room. The paths are those of docs/openapi.json. */
import { request } from './client'
import type {
  AuthResult,
  Bootstrap,
  Channel,
  ChannelListing,
  ChannelMember,
  EventPage,
  Invite,
  Me,
  Message,
  MessagePage,
  Page,
  User,
  Workspace,
  WorkspaceMembership,
} from './types'

export interface Registration {
  email: string
  username: string
  password: string
  display_name: string
}

export const auth = {
  register: (body: Registration) =>
    request<AuthResult>('POST', '/auth/register', { body, anonymous: true }),
  login: (body: { login: string; password: string }) =>
    request<AuthResult>('POST', '/auth/login', { body, anonymous: true }),
  logout: () => request<undefined>('POST', '/auth/logout', { anonymous: true }),
}

export const users = {
  get: (id: string) => request<User>('GET', `/users/${id}`),
  updateMe: (body: { display_name?: string }) => request<Me>('PATCH', '/users/me', { body }),
}

export const workspaces = {
  list: () => request<{ items: WorkspaceMembership[] }>('GET', '/workspaces'),
  create: (body: { name: string }) => request<Workspace>('POST', '/workspaces', { body }),
  bootstrap: (id: string) => request<Bootstrap>('GET', `/workspaces/${id}/bootstrap`),
  createInvite: (id: string, body: { max_uses: number | null; expires_in_s: number }) =>
    request<Invite>('POST', `/workspaces/${id}/invites`, { body }),
  acceptInvite: (code: string) =>
    request<WorkspaceMembership>('POST', `/invites/${encodeURIComponent(code)}/accept`),
}

export interface NewChannel {
  kind: 'public' | 'private'
  name: string
  topic?: string
}

export const channels = {
  list: (workspaceId: string, cursor: string | null) =>
    request<Page<ChannelListing>>('GET', `/workspaces/${workspaceId}/channels`, {
      query: { limit: 100, cursor },
    }),
  create: (workspaceId: string, body: NewChannel) =>
    request<Channel>('POST', `/workspaces/${workspaceId}/channels`, { body }),
  openDm: (workspaceId: string, userIds: string[]) =>
    request<Channel>('POST', `/workspaces/${workspaceId}/dms`, { body: { user_ids: userIds } }),
  get: (id: string) => request<ChannelListing>('GET', `/channels/${id}`),
  join: (id: string) => request<Channel>('POST', `/channels/${id}/join`),
  leave: (id: string) => request<undefined>('POST', `/channels/${id}/leave`),
  members: (id: string, cursor: string | null) =>
    request<Page<ChannelMember>>('GET', `/channels/${id}/members`, { query: { limit: 100, cursor } }),
  addMember: (id: string, userId: string) =>
    request<unknown>('POST', `/channels/${id}/members`, { body: { user_id: userId } }),
  events: (id: string, after: number) =>
    request<EventPage>('GET', `/channels/${id}/events`, { query: { after, limit: 200 } }),
  typing: (id: string) => request<undefined>('POST', `/channels/${id}/typing`),
}

export type Position = { before: number } | { after: number } | { around: number } | object

export const messages = {
  list: (channelId: string, position: Position, limit: number) =>
    request<MessagePage>('GET', `/channels/${channelId}/messages`, { query: { ...position, limit } }),
  get: (id: string) => request<{ message: Message }>('GET', `/messages/${id}`),
  send: (channelId: string, body: { text: string; client_msg_id: string }) =>
    request<{ message: Message }>('POST', `/channels/${channelId}/messages`, { body }),
}
