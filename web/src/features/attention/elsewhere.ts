/** What is new in workspaces that are not open here: asked for once, and again when an event says that it may be otherwise. */
import { defineStore } from 'pinia'

import { attention } from '@/api/attention'
import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'
import { useEntities } from '@/entities/store'

/** Many events are one question. */
const CALM_MS = 3_000

export const useElsewhere = defineStore('elsewhere', () => {
  const entities = useEntities()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()

  async function ask(id: string): Promise<void> {
    timers.delete(id)
    try {
      const { total, threads } = await attention.unread(id)
      const unread = total.unread + threads.unread
      entities.elsewhere.set(id, { unread, mentions: total.mentions + threads.mentions })
    } catch (error) {
      // A mark on the rail is missing: worth no word.
      asProblem(error)
    }
  }

  function open(workspaceIds: Iterable<string>): void {
    for (const id of workspaceIds) if (!entities.elsewhere.has(id)) void ask(id)
  }

  /** An event of a workspace that is not open. */
  function onEvent(event: Envelope): void {
    const id = event.workspace_id
    if (id === null || timers.has(id) || !changes(event, id)) return
    timers.set(id, setTimeout(() => void ask(id), CALM_MS))
  }

  /** Where something is unread already, another message changes nothing that is shown. */
  function changes(event: Envelope, id: string): boolean {
    const personal = event.type === 'notification.created' || event.type === 'notification.withdrawn' || event.type === 'read.updated'
    return personal || (event.type === 'message.created' && !entities.elsewhere.get(id)?.unread)
  }

  function clear(): void {
    for (const timer of timers.values()) clearTimeout(timer)
    timers.clear()
  }

  return { open, onEvent, clear }
})
