/** Puts together what this room keeps up, for whoever has the stream. */
import { defineStore } from 'pinia'

import type { Envelope } from '@/api/events'
import { useReadPositions } from '@/entities/readPositions'
import { useEntities } from '@/entities/store'
import { MANY } from '@/entities/unread'

import { dismiss } from './desktop'
import { useElsewhere } from './elsewhere'
import { useNotifications } from './notifications'
import { recount } from './recount'
import { useThreads } from './threads'

/** After a break many channels are repaired: one question will do. */
const TOGETHER_MS = 1_000

export const useAttention = defineStore('attention', () => {
  const entities = useEntities()
  const positions = useReadPositions()
  const threads = useThreads()
  const notifications = useNotifications()
  const elsewhere = useElsewhere()
  const recounting = new Map<string, ReturnType<typeof setTimeout>>()
  const listeners = new Set<(event: Envelope) => void>()
  let shown: string | null = null

  /** A workspace was painted, for the first time or anew. */
  function onSnapshot(workspaceId: string): void {
    void threads.load(workspaceId)
    if (workspaceId === shown) void openNotifications(workspaceId)
    void positions.flush()
    // Read or not, while nobody was here to hear of it.
    void dismiss(({ place, seq }) => seq <= (entities.cursorOf(place)?.readSeq ?? 0))
  }

  /** What was seen in the list, while nobody was here to hear of it, rings no more. */
  async function openNotifications(workspaceId: string): Promise<void> {
    await notifications.open(workspaceId)
    await dismiss(({ workspace, told }) => notifications.isSeen(workspace, told))
  }

  /** This one is looked at now. */
  function show(workspaceId: string): void {
    if (shown === workspaceId) return
    shown = workspaceId
    void openNotifications(workspaceId)
    elsewhere.open([...entities.workspaces.keys()].filter((id) => id !== workspaceId && !isOpen(id)))
  }

  const isOpen = (id: string) => entities.members.has(id)

  /** Of a workspace that is not open. */
  function onElsewhere(event: Envelope): void {
    elsewhere.onEvent(event)
    tell(event)
  }

  function tell(event: Envelope): void {
    for (const listener of listeners) listener(event)
  }

  /** Told of what happens in whichever workspace. */
  function onTold(listener: (event: Envelope) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  function onEvent(event: Envelope): void {
    tell(event)
    threads.onEvent(event)
    notifications.onEvent(event)
    if (event.workspace_id !== null && isBeyondCounting(event)) recountSoon(event.workspace_id)
  }

  /** One less than "or more", or an edit of what is unread: it may name me now, or be there again after a deletion. */
  function isBeyondCounting(event: Envelope): boolean {
    if (event.type !== 'message.updated' && event.type !== 'message.deleted') return false
    const entry = entities.channels.get(event.data.message.channel_id)
    const unread = entry?.joined && event.data.message.ch_seq > entry.readSeq && event.data.message.author_id !== entities.myId
    return unread === true && (event.type === 'message.updated' || entry.unread >= MANY)
  }

  function recountSoon(workspaceId: string): void {
    if (recounting.has(workspaceId)) return
    const timer = setTimeout(() => {
      recounting.delete(workspaceId)
      void recount(workspaceId)
    }, TOGETHER_MS)
    recounting.set(workspaceId, timer)
  }

  function clear(): void {
    shown = null
    for (const timer of recounting.values()) clearTimeout(timer)
    recounting.clear()
    threads.clear()
    notifications.clear()
    elsewhere.clear()
  }

  return { onSnapshot, show, onEvent, onElsewhere, onTold, onRepaired: recountSoon, clear }
})
