/** Governing a workspace: its people, rights, invitations, moderation, log and budget. */
import type { Answer, Schemas } from './answer'
import { download, request } from './client'
import type { Channel, ChannelPage, Invite, Message, NewInvite, Role, Workspace } from './types'

export type WorkspaceMember = Answer<Schemas['Member']>
export type PermissionTable = Answer<Schemas['PermissionTable']>
export type HistoryPolicy = Schemas['HistoryPolicy']
export type WorkspaceChange = Schemas['PatchWorkspace']
export type ChannelChange = Schemas['PatchChannel']
/** A ban or a mute. `until` null: for good. */
export type Sanction = Answer<Schemas['Sanction']>
export type SanctionKind = 'bans' | 'mutes'
export type ReportedMessage = Answer<Schemas['ReportedMessage']>
export type MessageReport = Answer<Schemas['MessageReport']>
export type ReportState = Schemas['ReportState']
export type ReportOutcome = Schemas['ReportOutcome']
export type AuditEntry = Answer<Schemas['AuditEntry']>
export type AuditOutcome = Schemas['Outcome']
export type AiSettings = Answer<Schemas['AiSettings']>
export type AiUsage = Answer<Schemas['Usage']>
export type AiModel = Answer<Schemas['ModelView']>

interface Page<Item> {
  items: Item[]
  next: string | null
}

const PAGE = 50

/** Where a ban or a mute holds. */
export interface Territory {
  room: 'workspaces' | 'channels'
  id: string
}

export const governing = {
  change: (id: string, body: WorkspaceChange) => request<Workspace>('PATCH', `/workspaces/${id}`, { body }),
  permissions: (id: string) => request<PermissionTable>('GET', `/workspaces/${id}/permissions`),
  putPermissions: (id: string, permissions: Record<string, Role>) =>
    request<PermissionTable>('PUT', `/workspaces/${id}/permissions`, { body: { permissions } }),
  channels: (id: string, q: string, filter: 'archived' | null, cursor: string | null) =>
    request<ChannelPage>('GET', `/workspaces/${id}/channels`, { query: { q, filter, cursor, limit: PAGE } }),
  changeChannel: (id: string, body: ChannelChange) => request<{ channel: Channel }>('PATCH', `/channels/${id}`, { body }),
  archive: (id: string) => request<{ channel: Channel }>('POST', `/channels/${id}/archive`),
  unarchive: (id: string) => request<{ channel: Channel }>('POST', `/channels/${id}/unarchive`),
}

export const people = {
  deactivated: (id: string, cursor: string | null) =>
    request<Page<WorkspaceMember>>('GET', `/workspaces/${id}/members`, { query: { deactivated: 'true', cursor, limit: PAGE } }),
  setRole: (id: string, userId: string, role: Role) =>
    request<WorkspaceMember>('PATCH', `/workspaces/${id}/members/${userId}`, { body: { role } }),
  remove: (id: string, userId: string) => request<undefined>('DELETE', `/workspaces/${id}/members/${userId}`),
  deactivate: (id: string, userId: string) =>
    request<WorkspaceMember>('POST', `/workspaces/${id}/members/${userId}/deactivate`),
  reactivate: (id: string, userId: string) =>
    request<WorkspaceMember>('POST', `/workspaces/${id}/members/${userId}/reactivate`),
}

export const invites = {
  list: (id: string) => request<{ items: Invite[] }>('GET', `/workspaces/${id}/invites`),
  create: (id: string, body: NewInvite, idempotencyKey: string) =>
    request<Invite>('POST', `/workspaces/${id}/invites`, { body, idempotencyKey }),
  withdraw: (id: string, code: string) =>
    request<undefined>('DELETE', `/workspaces/${id}/invites/${encodeURIComponent(code)}`),
}

export const moderation = {
  reports: (id: string, state: ReportState, cursor: string | null) =>
    request<Page<ReportedMessage>>('GET', `/workspaces/${id}/reports`, { query: { state, cursor, limit: PAGE } }),
  resolve: (reportId: string, outcome: ReportOutcome, reason: string) =>
    request<{ report: MessageReport }>('POST', `/reports/${reportId}/resolve`, { body: { outcome, reason } }),
  sanctions: ({ room, id }: Territory, kind: SanctionKind, cursor: string | null) =>
    request<Page<Sanction>>('GET', `/${room}/${id}/${kind}`, { query: { cursor, limit: PAGE } }),
  ban: ({ room, id }: Territory, userId: string, until: string | null, reason: string) =>
    request<Sanction>('PUT', `/${room}/${id}/bans/${userId}`, { body: { until, reason } }),
  mute: ({ room, id }: Territory, userId: string, until: string, reason: string) =>
    request<Sanction>('PUT', `/${room}/${id}/mutes/${userId}`, { body: { until, reason } }),
  lift: ({ room, id }: Territory, kind: SanctionKind, userId: string) =>
    request<undefined>('DELETE', `/${room}/${id}/${kind}/${userId}`),
  kick: (channelId: string, userId: string, reason: string) =>
    request<undefined>('POST', `/channels/${channelId}/members/${userId}/kick`, { body: { reason } }),
  deleteMessage: (id: string, reason: string) =>
    request<{ message: Message }>('DELETE', `/messages/${id}`, { query: { reason: reason || null } }),
}

export interface AuditQuestion {
  actor: string | null
  action: string | null
  target: string | null
  outcome: AuditOutcome | null
  from: string | null
  to: string | null
}

export const audit = {
  page: (id: string, question: AuditQuestion, cursor: string | null) =>
    request<Page<AuditEntry>>('GET', `/workspaces/${id}/audit`, { query: { ...question, cursor, limit: PAGE } }),
  file: (id: string, question: AuditQuestion, format: 'csv' | 'jsonl') =>
    download(`/workspaces/${id}/audit/export`, { ...question, format }),
}

export const aiBudget = {
  settings: (id: string) => request<AiSettings>('GET', `/workspaces/${id}/ai/settings`),
  change: (id: string, tokens: number) =>
    request<AiSettings>('PUT', `/workspaces/${id}/ai/settings`, { body: { daily_token_budget: tokens } }),
  usage: (id: string) => request<AiUsage>('GET', `/workspaces/${id}/ai/usage`),
  models: () => request<{ items: AiModel[] }>('GET', '/ai/models'),
}
