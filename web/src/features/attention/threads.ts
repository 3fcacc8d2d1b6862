/**
 * Which threads I follow. The server tells of each that I begin or cease to follow; those of before are learnt here: the ones
 * that were answered last first, and of any other when somebody answers in it, each once.
 */
import { defineStore } from 'pinia'
import { ref } from 'vue'

import type { FollowedThread } from '@/api/attention'
import { attention } from '@/api/attention'
import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'
import { useEntities } from '@/entities/store'

/** Answers in threads that are not known are asked about together. */
const TOGETHER_MS = 1_000

export const useThreads = defineStore('followed threads', () => {
  const entities = useEntities()
  /** Rises when a list of threads may be otherwise than it was loaded. */
  const changes = ref(0)
  /** Workspaces of which every followed thread is known. */
  const whole = new Set<string>()
  const asked = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function learn(threads: readonly FollowedThread[]): void {
    for (const { root, read_seq: readSeq, unread, mentions } of threads) {
      const countedSeq = Math.max(readSeq, root.thread?.last_reply_seq ?? 0)
      const { channel_id: channelId, workspace_id: workspaceId } = root
      entities.setThread(root.id, { channelId, workspaceId, following: true, readSeq, countedSeq, unread, mentions })
    }
  }

  async function load(workspaceId: string, filter: 'all' | 'unread' = 'all'): Promise<void> {
    try {
      const { items, next } = await attention.threads(workspaceId, filter, null)
      learn(items)
      if (next === null && filter === 'all') whole.add(workspaceId)
      changes.value += 1
    } catch (error) {
      // Only the dots beside channels miss: the lists ask for themselves.
      asProblem(error)
    }
  }

  function onEvent(event: Envelope): void {
    if (event.type === 'thread.followed') changes.value += 1
    if (event.type !== 'message.created' || event.data.message.thread_id === null) return
    const { thread_id: id, workspace_id: workspaceId, author_id: authorId } = event.data.message
    const known = entities.threads.get(id)
    if (known?.following) changes.value += 1
    if (known !== undefined || whole.has(workspaceId) || asked.has(id) || authorId === entities.myId) return
    asked.add(id)
    timer ??= setTimeout(() => {
      timer = undefined
      void load(workspaceId, 'unread')
    }, TOGETHER_MS)
  }

  /** Seen here before the server has said so; it is taken back when it refuses. */
  async function follow(id: string, channelId: string, workspaceId: string, following: boolean): Promise<void> {
    const before = entities.threads.get(id)
    const seq = entities.channels.get(channelId)?.knownSeq ?? 0
    const cursor = { readSeq: seq, countedSeq: seq, unread: 0, mentions: 0 }
    entities.setThread(id, { ...cursor, channelId, workspaceId, following })
    try {
      await (following ? attention.follow(id) : attention.unfollow(id))
    } catch (error) {
      if (before === undefined) entities.threads.delete(id)
      else entities.threads.set(id, before)
      throw error
    }
  }

  function clear(): void {
    clearTimeout(timer)
    timer = undefined
    whole.clear()
    asked.clear()
  }

  return { changes, load, learn, onEvent, follow, clear }
})
