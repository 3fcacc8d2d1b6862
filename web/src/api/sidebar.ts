/** How somebody arranged a workspace's channels. */
import type { Answer, Schemas } from './answer'
import { request } from './client'

export type Sidebar = Answer<Schemas['Sidebar']>
export type SidebarSection = Answer<Schemas['SidebarSection']>

export const sidebars = {
  get: (workspaceId: string) => request<Sidebar>('GET', `/workspaces/${workspaceId}/sidebar`),
  /** `version` is that of the arrangement that `sections` were made from; 409 `sidebar_stale` when it is not the newest. */
  put: (workspaceId: string, body: Sidebar) =>
    request<Sidebar>('PUT', `/workspaces/${workspaceId}/sidebar`, { body }),
}
