/** Every endpoint the front end uses, by room. */
import type { Command, CommandAnswer, Run, RunCommand } from './ai'
import type { Bucket, Report, ReportName } from './analytics'
import { download, request } from './client'
import type { SearchAnswer, Sort } from './search'
import type { Span } from './trace'
import type {
  AddMember,
  AuthResult,
  Bootstrap,
  Channel,
  ChannelListing,
  ChannelMember,
  ChannelMemberPage,
  ChannelPage,
  Credentials,
  EventPage,
  Invite,
  MessagePage,
  NewChannel,
  NewInvite,
  NewWorkspace,
  OpenDirect,
  Reach,
  Registration,
  SendMessage,
  SentMessage,
  User,
  Workspace,
  WorkspaceList,
  WorkspaceMembership,
} from './types'

const PAGE = 100

export const auth = {
  register: (body: Registration) =>
    request<AuthResult>('POST', '/auth/register', { body, anonymous: true }),
  login: (body: Credentials) => request<AuthResult>('POST', '/auth/login', { body, anonymous: true }),
  /** The refresh cookie says whose session ends. */
  logout: () => request<undefined>('POST', '/auth/logout', { anonymous: true }),
}

export const users = {
  get: (id: string) => request<User>('GET', `/users/${id}`),
}

export const workspaces = {
  list: () => request<WorkspaceList>('GET', '/workspaces'),
  create: (body: NewWorkspace, idempotencyKey: string) =>
    request<Workspace>('POST', '/workspaces', { body, idempotencyKey }),
  bootstrap: (id: string) => request<Bootstrap>('GET', `/workspaces/${id}/bootstrap`),
  leave: (id: string, myId: string) => request<undefined>('DELETE', `/workspaces/${id}/members/${myId}`),
  createInvite: (id: string, body: NewInvite, idempotencyKey: string) =>
    request<Invite>('POST', `/workspaces/${id}/invites`, { body, idempotencyKey }),
  acceptInvite: (code: string) =>
    request<WorkspaceMembership>('POST', `/invites/${encodeURIComponent(code)}/accept`),
}

export const channels = {
  list: (workspaceId: string, cursor: string | null) =>
    request<ChannelPage>('GET', `/workspaces/${workspaceId}/channels`, { query: { limit: PAGE, cursor } }),
  create: (workspaceId: string, body: NewChannel, idempotencyKey: string) =>
    request<Channel>('POST', `/workspaces/${workspaceId}/channels`, { body, idempotencyKey }),
  openDm: (workspaceId: string, body: OpenDirect) =>
    request<Channel>('POST', `/workspaces/${workspaceId}/dms`, { body }),
  get: (id: string) => request<ChannelListing>('GET', `/channels/${id}`),
  join: (id: string) => request<Channel>('POST', `/channels/${id}/join`),
  leave: (id: string) => request<undefined>('POST', `/channels/${id}/leave`),
  /** Whom a message to everybody there reaches; in a direct conversation, until when the other one is in quiet hours. */
  reach: (id: string) => request<Reach>('GET', `/channels/${id}/reach`),
  remove: (id: string) => request<undefined>('DELETE', `/channels/${id}`),
  members: (id: string, cursor: string | null) =>
    request<ChannelMemberPage>('GET', `/channels/${id}/members`, { query: { limit: PAGE, cursor } }),
  addMember: (id: string, body: AddMember) =>
    request<ChannelMember>('POST', `/channels/${id}/members`, { body }),
  events: (id: string, after: number) =>
    request<EventPage>('GET', `/channels/${id}/events`, { query: { after, limit: 200 } }),
  typing: (id: string) => request<undefined>('POST', `/channels/${id}/typing`),
}

type ThreadPosition = { before: number } | { after: number } | Record<string, never>
/** Where a page of messages lies, by `ch_seq` or by time; nothing means the newest. */
export type Position = ThreadPosition | { around: number } | { around_time: string }

export const messages = {
  list: (channelId: string, position: Position, limit: number) =>
    request<MessagePage>('GET', `/channels/${channelId}/messages`, { query: { ...position, limit } }),
  /** The thread that a message begins or belongs to, its first message included. */
  thread: (id: string, position: ThreadPosition, limit: number) =>
    request<MessagePage>('GET', `/messages/${id}/thread`, { query: { ...position, limit } }),
  get: (id: string) => request<SentMessage>('GET', `/messages/${id}`),
  send: (channelId: string, body: SendMessage, span: Span) =>
    request<SentMessage>('POST', `/channels/${channelId}/messages`, { body, span }),
  edit: (id: string, text: string) => request<SentMessage>('PATCH', `/messages/${id}`, { body: { text } }),
  remove: (id: string) => request<SentMessage>('DELETE', `/messages/${id}`),
  react: (id: string, emoji: string) =>
    request<SentMessage>('PUT', `/messages/${id}/reactions/${encodeURIComponent(emoji)}`),
  takeBack: (id: string, emoji: string) =>
    request<SentMessage>('DELETE', `/messages/${id}/reactions/${encodeURIComponent(emoji)}`),
}

export interface SearchQuestion {
  q: string
  sort: Sort
  cursor: string | null
}

export const search = {
  messages: (workspaceId: string, { q, sort, cursor }: SearchQuestion, signal: AbortSignal) =>
    request<SearchAnswer>('GET', `/workspaces/${workspaceId}/search`, { query: { q, sort, cursor }, signal }),
}

export const ai = {
  commands: (workspaceId: string) => request<{ items: Command[] }>('GET', `/workspaces/${workspaceId}/commands`),
  command: (channelId: string, body: RunCommand, idempotencyKey: string, span: Span) =>
    request<CommandAnswer>('POST', `/channels/${channelId}/commands`, { body, idempotencyKey, span }),
  active: (channelId: string) => request<{ items: Run[] }>('GET', `/channels/${channelId}/runs`),
  run: (id: string) => request<{ run: Run }>('GET', `/runs/${id}`),
  stop: (id: string) => request<{ run: Run }>('POST', `/runs/${id}/stop`),
}

export interface ReportQuestion {
  from: string
  to: string
  bucket: Bucket
}

export const analytics = {
  report: (workspaceId: string, report: ReportName, question: ReportQuestion, signal: AbortSignal) =>
    request<Report>('GET', `/workspaces/${workspaceId}/analytics/${report}`, { query: { ...question }, signal }),
  file: (workspaceId: string, report: ReportName, question: ReportQuestion, format: 'csv' | 'json') =>
    download(`/workspaces/${workspaceId}/analytics/${report}`, { ...question, format }),
}

export const status = {
  get: () => request<{ tracing?: boolean }>('GET', '/status', { anonymous: true }),
}
