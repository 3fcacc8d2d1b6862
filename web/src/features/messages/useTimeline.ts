/** Loads the history of a channel or thread into the store: the newest page, older and newer ones, one around a message. */
import type { Ref } from 'vue'
import { computed, ref, shallowRef, watch } from 'vue'

import type { Position } from '@/api/endpoints'
import { messages as messageApi } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { Message, MessagePage } from '@/api/types'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'
import type { Timeline } from '@/entities/timeline'
import { EMPTY, trimmedToEnd, upTo, windowOf, withLatest, withNewer, withOlder } from '@/entities/timeline'
import { copy } from '@/realtime/copy'

const PAGE = 50
/** For who goes on and on. A long list is gone through at each page, so that larger ones take less time for a message. */
const LARGE_PAGE = 200
/** Whoever needs the next page sooner than this goes on and on. */
const HURRY_MS = 1_500
/** A network that is slower than this does not keep anybody from reading what was there before. */
const PATIENCE_MS = 400

type Part = 'first' | 'older' | 'newer'
type Merge = (now: Timeline, page: MessagePage) => Timeline

export function useTimeline(place: Place) {
  const entities = useEntities()
  const channelId = channelOf(place)
  const threadId = threadOf(place)
  const timeline = computed(() => entities.timelines.get(place) ?? EMPTY)
  const loading: Ref<Part | null> = ref(null)
  const problem = shallowRef<Problem | null>(null)
  /** False until the first page is there. */
  const ready = ref(entities.timelines.has(place) && timeline.value.items.length > 0)

  /** Rises when the window is replaced: a page asked for before that would leave a hole, and is dropped. */
  let generation = 0
  /** When the last older or newer page came, in ms. */
  let cameAt = -Infinity

  /** The newest message that we know of, be it one that nobody wrote. */
  function lastMsgSeq(): number {
    if (threadId !== null) return entities.newestReplies.get(threadId) ?? 0
    const entry = entities.channels.get(channelId)
    return entry === undefined ? 0 : Math.max(entry.channel.last_msg_seq, entry.lastNoteSeq)
  }

  function ask(position: Position): Promise<MessagePage> {
    const size = performance.now() - cameAt < HURRY_MS ? LARGE_PAGE : PAGE
    if (threadId === null) return messageApi.list(channelId, position, size)
    // A thread has no "around": its window begins at the message, and what comes before is loaded when it is looked for.
    if ('around' in position) return messageApi.thread(threadId, { after: position.around - 1 }, size)
    return messageApi.thread(threadId, 'around_time' in position ? {} : position, size)
  }

  async function load(part: Part, position: Position, merge: Merge): Promise<void> {
    const mine = generation
    loading.value = part
    problem.value = null
    try {
      const page = await ask(position)
      if (mine !== generation) return
      entities.timelines.set(place, merge(timeline.value, page))
      ready.value = true
      if (part !== 'first') cameAt = performance.now()
    } catch (error) {
      if (mine !== generation) return
      // Without the network one reads the copy, and the connection bar says so.
      const failure = asProblem(error)
      if (!(entities.fromCopy && failure.temporary && ready.value)) problem.value = failure
    } finally {
      if (mine === generation) loading.value = null
    }
  }

  /** A load that may end at the last message: what came live meanwhile is fetched as well. */
  async function loadTowardsEnd(part: Part, position: Position, merge: Merge): Promise<void> {
    const before = lastMsgSeq()
    let missed = false
    await load(part, position, (now, page) => {
      missed = !page.has_after && lastMsgSeq() > before
      return upTo(merge(now, page), lastMsgSeq())
    })
    if (missed) await loadNewer()
  }

  /** From here on live messages are collected, so none falls between the page and the stream. */
  async function loadLatest(): Promise<void> {
    generation += 1
    entities.timelines.set(place, { ...EMPTY })
    const mine = generation
    if (entities.fromCopy) await showCopy(mine)
    const late = setTimeout(() => void showCopy(mine), PATIENCE_MS)
    await load('first', {}, withLatest)
    clearTimeout(late)
    if (problem.value?.temporary) await showCopy(mine)
  }

  /** What this browser kept of the channel, until the server answers. */
  async function showCopy(mine: number): Promise<void> {
    const kept = threadId === null && !ready.value ? await copy.history(entities.myId, channelId) : undefined
    if (kept === undefined || mine !== generation || ready.value) return
    entities.setCopied(channelId, { items: kept.items, hasBefore: kept.hasBefore, hasAfter: false }, kept.knownSeq)
    ready.value = true
    if (entities.fromCopy) problem.value = null
  }

  /** False when there is no such message, for this reader. */
  async function loadAround(messageId: string): Promise<boolean> {
    if (timeline.value.items.some((message) => message.id === messageId)) return true
    const mine = generation
    problem.value = null
    try {
      const { message } = await messageApi.get(messageId)
      if (mine === generation) await loadAroundSeq(message.ch_seq)
    } catch (error) {
      const failure = asProblem(error)
      if (failure.status === 404) return false
      if (mine === generation) problem.value = failure
    }
    return true
  }

  async function loadAroundSeq(seq: number): Promise<void> {
    generation += 1
    await loadTowardsEnd('first', { around: seq }, (_now, page) => windowOf(page))
  }

  /** The messages around a time; nothing to do when they are loaded. A thread's are found by their place alone. */
  async function loadAroundTime(time: number): Promise<void> {
    const { items } = timeline.value
    const within = (message: Message | undefined) => message !== undefined && Date.parse(message.created_at) >= time
    if (within(items.at(-1)) && !within(items[0])) return
    generation += 1
    await loadTowardsEnd('first', { around_time: new Date(time).toISOString() }, (_now, page) => windowOf(page))
  }

  async function loadOlder(): Promise<void> {
    const first = timeline.value.items[0]
    if (loading.value !== null || !timeline.value.hasBefore || first === undefined) return
    await load('older', { before: first.ch_seq }, withOlder)
  }

  async function loadNewer(): Promise<void> {
    const last = timeline.value.items.at(-1)
    if (loading.value !== null || !timeline.value.hasAfter || last === undefined) return
    await loadTowardsEnd('newer', { after: last.ch_seq }, withNewer)
  }

  /** For a reader at the end: what lies far above is loaded again when they go there. */
  function trim(rows?: number): void {
    const now = entities.timelines.get(place)
    if (now !== undefined && !now.hasAfter) entities.timelines.set(place, trimmedToEnd(now, rows))
  }

  // The store drops a history that can no longer be continued (see realtime/sync.ts): fetch it anew, at once, so that
  // no page that is on its way is taken for the whole.
  watch(
    () => entities.timelines.has(place),
    (present) => {
      const wanted = ready.value || loading.value !== null
      if (!present && wanted && entities.channels.has(channelId)) void loadLatest()
    },
    { flush: 'sync' },
  )

  return {
    timeline, loading, problem, ready, loadLatest, loadAround, loadAroundSeq, loadAroundTime, loadOlder, loadNewer, trim,
  }
}
