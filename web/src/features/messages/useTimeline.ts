/** Loads a channel's history into the store: the newest page, older and newer ones, a window around a message. */
import type { Ref } from 'vue'
import { computed, ref, shallowRef, watch } from 'vue'

import type { Position } from '@/api/endpoints'
import { messages as messageApi } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { MessagePage } from '@/api/types'
import { useEntities } from '@/entities/store'
import type { Timeline } from '@/entities/timeline'
import { EMPTY, trimmedToEnd, windowOf, withLatest, withNewer, withOlder } from '@/entities/timeline'

const PAGE = 50

type Part = 'first' | 'older' | 'newer'

export function useTimeline(channelId: string) {
  const entities = useEntities()
  const timeline = computed(() => entities.timelines.get(channelId) ?? EMPTY)
  const loading: Ref<Part | null> = ref(null)
  const problem = shallowRef<Problem | null>(null)
  /** False until the first page is there. */
  const ready = ref(entities.timelines.has(channelId) && timeline.value.items.length > 0)

  async function load(
    part: Part,
    position: Position,
    merge: (now: Timeline, page: MessagePage) => Timeline,
  ): Promise<void> {
    if (loading.value !== null) return
    loading.value = part
    problem.value = null
    try {
      const page = await messageApi.list(channelId, position, PAGE)
      entities.timelines.set(channelId, merge(timeline.value, page))
      ready.value = true
    } catch (error) {
      problem.value = asProblem(error)
    } finally {
      loading.value = null
    }
  }

  /** From here on live messages are collected, so none falls between the page and the stream. */
  async function loadLatest(): Promise<void> {
    entities.timelines.set(channelId, { ...EMPTY })
    await load('first', {}, withLatest)
  }

  async function loadAround(messageId: string): Promise<void> {
    if (timeline.value.items.some((message) => message.id === messageId)) return
    problem.value = null
    try {
      const { message } = await messageApi.get(messageId)
      await load('first', { around: message.ch_seq }, (_now, page) => windowOf(page))
    } catch (error) {
      problem.value = asProblem(error)
    }
  }

  async function loadOlder(): Promise<void> {
    const first = timeline.value.items[0]
    if (!timeline.value.hasBefore || first === undefined) return
    await load('older', { before: first.ch_seq }, withOlder)
  }

  async function loadNewer(): Promise<void> {
    const last = timeline.value.items.at(-1)
    if (!timeline.value.hasAfter || last === undefined) return
    await load('newer', { after: last.ch_seq }, withNewer)
  }

  /** For a reader at the end: what lies far above is loaded again when they go there. */
  function trim(rows?: number): void {
    const now = entities.timelines.get(channelId)
    if (now !== undefined && !now.hasAfter) entities.timelines.set(channelId, trimmedToEnd(now, rows))
  }

  // The store drops a history that can no longer be continued (see realtime/sync.ts): fetch it anew.
  watch(
    () => entities.timelines.has(channelId),
    (present) => {
      if (!present && ready.value && entities.channels.has(channelId)) void loadLatest()
    },
  )

  return { timeline, loading, problem, ready, loadLatest, loadAround, loadOlder, loadNewer, trim }
}
