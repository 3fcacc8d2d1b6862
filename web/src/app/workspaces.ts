/** The list of my workspaces: loaded once, then kept up by events. */
import { toRaw } from 'vue'

import { workspaces as api } from '@/api/endpoints'
import { asProblem } from '@/api/problem'
import type { Workspace } from '@/api/types'
import type { Entities } from '@/entities/store'
import { copy } from '@/realtime/copy'

/** Without the network, as this browser kept it. Throws a Problem. */
export async function loadWorkspaces(entities: Entities): Promise<void> {
  try {
    const { items } = await api.list()
    entities.setWorkspaces(items)
    // A database takes no proxies.
    const me = toRaw(entities.me)
    if (me !== null) void copy.keepPerson({ userId: me.id, me, workspaces: items })
  } catch (error) {
    const kept = asProblem(error).temporary ? await copy.person(entities.myId) : undefined
    if (kept === undefined) throw error
    entities.setWorkspaces(kept.workspaces)
  }
}

/** By slug, as addresses have it, or by id. */
export function findWorkspace(entities: Entities, key: string): Workspace | null {
  for (const { workspace } of entities.workspaces.values()) {
    if (workspace.slug === key || workspace.id === key) return workspace
  }
  return null
}
