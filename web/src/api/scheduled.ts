/** Messages that are sent later. */
import type { Answer, Schemas } from './answer'
import { request } from './client'

export type Scheduled = Answer<Schemas['ScheduledMessage']>
export type Recurrence = Schemas['WishedRecurrence']
type One = Answer<Schemas['Scheduled']>
type Page = Answer<Schemas['ScheduledPage']>

/** When: once, or again and again. */
export type Times = { send_at: string } | { recurrence: Recurrence }

const PAGE = 100

export const scheduled = {
  page: (workspaceId: string, cursor: string | null) =>
    request<Page>('GET', `/workspaces/${workspaceId}/scheduled`, { query: { limit: PAGE, cursor, show: 'open' } }),
  create: (workspaceId: string, body: Schemas['ScheduleMessage']) =>
    request<One>('POST', `/workspaces/${workspaceId}/scheduled`, { body }),
  change: (id: string, body: Schemas['ChangeScheduled']) => request<One>('PATCH', `/scheduled/${id}`, { body }),
  send: (id: string) => request<One>('POST', `/scheduled/${id}/send`),
  remove: (id: string) => request<undefined>('DELETE', `/scheduled/${id}`),
}
