/** Puts stream, sync and outbox together, and says how the connection is. */
import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'

import type { Envelope, Presence, Typing } from '@/api/events'
import { people } from '@/api/people'
import { asProblem } from '@/api/problem'
import { distrust, freshToken } from '@/api/session'
import { arrivals } from '@/api/trace'
import { useDrafts } from '@/entities/drafts'
import { useReadPositions } from '@/entities/readPositions'
import { useEntities } from '@/entities/store'
import { EMPTY_TYPING, withTyping } from '@/entities/typing'
import { useWishes } from '@/entities/wishQueue'
import { useAttention } from '@/features/attention/useAttention'
import { useOutbox } from '@/features/messages/outbox'
import { useQuotes } from '@/features/messages/quotes'
import { usePins } from '@/features/pins/store'
import { useRuns } from '@/features/runs/store'
import { useSaved } from '@/features/saved/store'
import { useScheduled } from '@/features/scheduled/store'
import { startCopying } from '@/realtime/copying'
import type { StreamState } from '@/realtime/stream'
import { PresenceWatch } from '@/realtime/presence'
import { Sync } from '@/realtime/sync'
import { TabsStream } from '@/realtime/tabs'

import { checkVersion } from './shell'
import { startTracing } from './tracing'

/** Events older than the `hello` that come within this time were missed while away. */
const CATCH_UP_MS = 1_500

export const useLive = defineStore('live', () => {
  const entities = useEntities()
  const outbox = useOutbox()
  const wishes = useWishes()
  const positions = useReadPositions()
  const runs = useRuns()
  const saved = useSaved()
  const pins = usePins()
  const attention = useAttention()
  const drafts = useDrafts()
  const scheduled = useScheduled()
  const quotes = useQuotes()
  const state = ref<StreamState>('stopped')
  /** When the connection was lost, unix ms; null while it is there. */
  const lostAt = ref<number | null>(null)
  /** Messages that came after the last reconnection for the time before it; null when there is nothing to tell. */
  const caughtUp = ref<number | null>(null)
  const listeners = new Set<(event: Envelope) => void>()
  let helloAt = 0
  let everLive = false
  const opened = new Set<string>()

  const sync = new Sync(entities, {
    onCursor: (cursor) => {
      if (!stream.running) stream.start(cursor)
    },
    onApplied: (event) => {
      if (caughtUp.value !== null && wasMissed(event)) caughtUp.value += 1
      runs.onEvent(event)
      saved.onEvent(event)
      pins.onEvent(event)
      attention.onEvent(event)
      presence.onEvent(event)
      drafts.onEvent(event)
      scheduled.onEvent(event)
      quotes.onEvent(event)
      // A slow channel may be so no longer.
      if (event.type === 'channel.updated') outbox.wake(event.data.channel.id)
      for (const listener of listeners) listener(event)
    },
    onSnapshot: attention.onSnapshot,
    onElsewhere: attention.onElsewhere,
    onRepaired: attention.onRepaired,
  })

  const stream: TabsStream = new TabsStream(
    {
      fetch: (...args) => fetch(...args),
      token: freshToken,
      distrust,
      random: Math.random,
      // The types say it is always there; browsers know better.
      locks: (navigator.locks as LockManager | null | undefined) ?? null,
      channel: (name) => new BroadcastChannel(name),
      person: () => entities.myId,
      idle: () => presence.idle,
    },
    {
      onState: (next) => {
        state.value = next
        if (next === 'live' || next === 'stopped') lostAt.value = null
        else lostAt.value ??= Date.now()
      },
      onHello: (hello) => {
        helloAt = Date.now()
        caughtUp.value = everLive ? 0 : null
        everLive = true
        sync.onHello(hello)
        outbox.retryAll()
        wishes.retryAll()
        void runs.refresh()
        if (!hello.resumed) {
          void saved.refresh()
          pins.clear()
        }
        presence.onHello(hello)
        if (hello.resumed) drafts.saveAll()
        else opened.forEach(loadOwn)
        // The server may have been away because it was renewed.
        checkVersion()
      },
      onEvent: (event) => {
        if (event.type === 'message.created') arrivals.came(event.data.message.client_msg_id)
        sync.onEvent(event)
      },
      onReset: () => sync.refetch(),
      onDoubt: () => sync.refetch(),
      onTyping,
      onRunSign: runs.onSign,
      onPresence,
    },
  )

  const presence: PresenceWatch = new PresenceWatch({
    watched: () => [...entities.watched.keys()],
    leads: () => stream.leading,
    channel: () => new BroadcastChannel(`tertulia.presence.${entities.myId}`),
    watch: people.watch,
    setActive: people.setActive,
  })
  watch(entities.watched, () => presence.onWatched())

  function onPresence({ people: states }: Presence): void {
    for (const { user_id: id, state: now } of states) entities.presence.set(id, now)
  }

  startCopying(entities)

  function wasMissed(event: Envelope): boolean {
    const early = Date.now() - helloAt < CATCH_UP_MS
    const written = event.type === 'message.created' && !event.data.message.system
    return early && written && Date.parse(event.time) < helloAt
  }

  function onTyping(typing: Typing): void {
    const map = entities.typing.get(typing.channel_id) ?? EMPTY_TYPING
    entities.typing.set(typing.channel_id, withTyping(map, typing.user_id, Date.now() + typing.expires_in_ms))
  }

  /** Called when a workspace is shown. Throws a Problem when it cannot be loaded. */
  async function open(workspaceId: string): Promise<void> {
    await Promise.all([stream.prepare(), wishes.restore()])
    try {
      await sync.openWorkspace(workspaceId)
    } catch (error) {
      if (!asProblem(error).temporary || !(await sync.openCopy(workspaceId))) throw error
    }
    positions.restore()
    void saved.open(workspaceId)
    attention.show(workspaceId)
    presence.start()
    drafts.restore()
    opened.add(workspaceId)
    loadOwn(workspaceId)
    await outbox.restore()
    void startTracing()
  }

  /** What is only mine, and comes beside the snapshot. */
  function loadOwn(workspaceId: string): void {
    void drafts.load(workspaceId)
    void scheduled.load(workspaceId)
  }

  function stop(): void {
    stream.stop()
    sync.forget()
    outbox.pause()
    wishes.pause()
    runs.clear()
    saved.clear()
    pins.clear()
    attention.clear()
    presence.stop()
    drafts.pause()
    scheduled.clear()
    opened.clear()
    quotes.clear()
    entities.clear()
    everLive = false
    caughtUp.value = null
  }

  function retryNow(): void {
    stream.retryNow()
    outbox.retryAll()
    wishes.retryAll()
  }

  function onEvent(listener: (event: Envelope) => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  const connected = computed(() => state.value === 'live')

  return { state, connected, lostAt, caughtUp, open, isOpen: (id: string) => sync.isOpen(id), stop, retryNow, onEvent, learnUser: (id: string) => sync.learnUser(id) }
})
