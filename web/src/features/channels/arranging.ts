/**
 * Arranging the sidebar. What was just wished for lies on top of what the server has, so it is seen at once; one request at a
 * time, because each names the version before. Where another device was first, the wishes are made again on what it left.
 */
import { defineStore } from 'pinia'
import { reactive, shallowRef } from 'vue'

import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { Sidebar } from '@/api/sidebar'
import { sidebars } from '@/api/sidebar'
import type { SectionChange, Sections } from '@/entities/sidebar'
import { whole } from '@/entities/sidebar'
import { useEntities } from '@/entities/store'

/** Two devices that arrange at the same time take turns; more often than this something else is wrong. */
const ATTEMPTS = 5

export const useArranging = defineStore('arranging', () => {
  const entities = useEntities()
  /** Not taken by the server yet, by workspace; the oldest first. */
  const wishes = reactive(new Map<string, readonly SectionChange[]>())
  /** Why the last wishes were refused. */
  const problem = shallowRef<Problem | null>(null)
  const sending = new Set<string>()

  function sections(workspaceId: string): Sections {
    const stored = whole(entities.sidebars.get(workspaceId)?.sections ?? [])
    return (wishes.get(workspaceId) ?? []).reduce<Sections>((now, change) => change(now), stored)
  }

  function change(workspaceId: string, wish: SectionChange): void {
    wishes.set(workspaceId, [...(wishes.get(workspaceId) ?? []), wish])
    if (!sending.has(workspaceId)) void send(workspaceId)
  }

  async function send(workspaceId: string): Promise<void> {
    sending.add(workspaceId)
    try {
      for (let made = wishes.get(workspaceId) ?? []; made.length > 0; made = wishes.get(workspaceId) ?? []) {
        entities.setSidebar(workspaceId, await put(workspaceId))
        wishes.set(workspaceId, (wishes.get(workspaceId) ?? []).slice(made.length))
      }
    } catch (error) {
      // Back to how the server has it.
      wishes.delete(workspaceId)
      problem.value = asProblem(error)
    } finally {
      sending.delete(workspaceId)
    }
  }

  async function put(workspaceId: string): Promise<Sidebar> {
    for (let attempt = 1; ; attempt++) {
      const version = entities.sidebars.get(workspaceId)?.version ?? 0
      try {
        return await sidebars.put(workspaceId, { version, sections: [...sections(workspaceId)] })
      } catch (error) {
        if (asProblem(error).code !== 'sidebar_stale' || attempt === ATTEMPTS) throw error
        entities.setSidebar(workspaceId, await sidebars.get(workspaceId))
      }
    }
  }

  return { sections, change, problem }
})
