/** The list of my workspaces: loaded once, then kept up by events. */
import { workspaces as api } from '@/api/endpoints'
import type { Workspace } from '@/api/types'
import type { Entities } from '@/entities/store'

export async function loadWorkspaces(entities: Entities): Promise<void> {
  const { items } = await api.list()
  entities.setWorkspaces(items)
}

/** By slug, as addresses have it, or by id. */
export function findWorkspace(entities: Entities, key: string): Workspace | null {
  for (const { workspace } of entities.workspaces.values()) {
    if (workspace.slug === key || workspace.id === key) return workspace
  }
  return null
}
