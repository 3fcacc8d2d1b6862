/** What somebody has written and not sent, as the server keeps it for all their devices. */
import type { Answer, Schemas } from './answer'
import { request } from './client'

export type Draft = Answer<Schemas['Draft']>
type DraftPage = Answer<Schemas['DraftPage']>
type PresentDraft = Answer<Schemas['PresentDraft']>

const PAGE = 100

export const drafts = {
  page: (workspaceId: string, cursor: string | null) =>
    request<DraftPage>('GET', `/workspaces/${workspaceId}/drafts`, { query: { limit: PAGE, cursor } }),
  /** White space alone drops it. `updated_at`: it was written then, and loses against what is newer. */
  write: (channelId: string, body: Schemas['WriteDraft']) =>
    request<PresentDraft>('PUT', `/channels/${channelId}/draft`, { body }),
}
