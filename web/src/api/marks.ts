/** What one does to a message beside writing it: its history, pins, saved messages, reminders, forwards, reports. */
import type { Answer, Schemas } from './answer'
import { request } from './client'
import type { Message, SentMessage } from './types'

/** What a message said from some time on; `replaced_at` is null for what it says now. */
export type Version = Answer<Schemas['Version']>
export type HistoryPage = Answer<Schemas['HistoryPage']>
/** Where a forwarded message was said first. */
export type Origin = Answer<Schemas['Origin']>
export type SavedMessage = Answer<Schemas['SavedMessage']>
export type SavedPage = Answer<Schemas['SavedPage']>
export type Reminder = Answer<Schemas['Reminder']>
export type ReminderSubject = Schemas['ReminderSubject']
export type ListedReminder = Answer<Schemas['ListedReminder']>
export type ReminderPage = Answer<Schemas['ReminderPage']>
export type ReportCategory = Schemas['ReportCategory']
export type ForwardMessage = Schemas['ForwardMessage']

export const REPORT_CATEGORIES = [
  'spam', 'harassment', 'hate', 'violence', 'sexual', 'privacy', 'illegal', 'other',
] as const satisfies readonly ReportCategory[]

const PAGE = 50
const MOST = 200

export const changes = {
  /** `reason` is told to the author, when that is somebody else. */
  remove: (id: string, reason: string) => request<SentMessage>('DELETE', `/messages/${id}`, { query: { reason: reason || null } }),
  /** By the one who deleted it, within five minutes. */
  restore: (id: string) => request<SentMessage>('POST', `/messages/${id}/restore`),
  history: (id: string, after: number) =>
    request<HistoryPage>('GET', `/messages/${id}/history`, { query: { after, limit: MOST } }),
  forward: (id: string, body: ForwardMessage) => request<SentMessage>('POST', `/messages/${id}/forward`, { body }),
  report: (id: string, category: ReportCategory, note: string | null) =>
    request<unknown>('POST', `/messages/${id}/report`, { body: { category, note } }),
}

export const pins = {
  /** All of them: a channel has at most a hundred. */
  list: (channelId: string) =>
    request<{ items: Message[]; next: number | null }>('GET', `/channels/${channelId}/pins`, { query: { limit: MOST } }),
  pin: (id: string) => request<SentMessage>('PUT', `/messages/${id}/pin`),
  unpin: (id: string) => request<SentMessage>('DELETE', `/messages/${id}/pin`),
}

export const saved = {
  list: (workspaceId: string, cursor: string | null, limit = PAGE) =>
    request<SavedPage>('GET', `/workspaces/${workspaceId}/saved`, { query: { cursor, limit } }),
  save: (id: string) => request<undefined>('PUT', `/messages/${id}/save`),
  unsave: (id: string) => request<undefined>('DELETE', `/messages/${id}/save`),
}

export const reminders = {
  list: (workspaceId: string, show: 'open' | 'completed', cursor: string | null) =>
    request<ReminderPage>('GET', `/workspaces/${workspaceId}/reminders`, { query: { show, cursor, limit: MOST } }),
  set: (messageId: string, at: Date) =>
    request<{ reminder: Reminder }>('POST', `/messages/${messageId}/reminders`, { body: { remind_at: at.toISOString() } }),
  move: (id: string, at: Date) =>
    request<{ reminder: Reminder }>('PATCH', `/reminders/${id}`, { body: { remind_at: at.toISOString() } }),
  complete: (id: string) => request<{ reminder: Reminder }>('PATCH', `/reminders/${id}`, { body: { completed: true } }),
  remove: (id: string) => request<undefined>('DELETE', `/reminders/${id}`),
}
