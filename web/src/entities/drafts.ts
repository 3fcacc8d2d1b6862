/**
 * What somebody began to write, per place (a channel, a thread). It is on the screen at once, in this browser within half
 * a second and at the server within two, and so on the person's other devices.
 *
 * - The last writer wins, by the server's clock. What has not reached the server yet is `unsaved`: nothing from outside
 *   replaces it, and it is sent as soon as there is a way, with the time when it was written.
 * - A place that somebody is writing in is *held*: what another device wrote waits until it is let go of.
 * - Each draft is a record of its own in localStorage, under its author's id: tabs do not undo each other, a session that
 *   ends keeps them, and nobody else who logs in here sees them.
 */
import { defineStore } from 'pinia'
import { computed, shallowReactive } from 'vue'

import type { Draft } from '@/api/drafts'
import { drafts as api } from '@/api/drafts'
import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'

import type { Place } from './place'
import { channelOf, placeIn, threadOf } from './place'
import { useEntities } from './store'

/** Counted from the first change that is not written yet, so that steady typing puts nothing off. */
export const WRITE_AFTER_MS = 400
export const SAVE_AFTER_MS = 1_500
const RETRY_MS = 10_000

export interface LocalDraft {
  readonly text: string
  /** When it was written, unix ms. */
  readonly at: number
  /** The server does not have it yet; an empty one: it does not know yet that there is none. */
  readonly unsaved: boolean
}

const EMPTY = ''

export const useDrafts = defineStore('drafts', () => {
  const entities = useEntities()
  const all = shallowReactive(new Map<Place, LocalDraft>())
  /** The newest that the server has told of each place, by its clock: what is older comes late. */
  const told = new Map<Place, string>()
  const held = new Set<Place>()
  const waiting = new Map<Place, LocalDraft>()
  const unwritten = new Set<Place>()
  const saving = new Set<Place>()
  let owner = ''
  let writing: ReturnType<typeof setTimeout> | undefined
  let saver: ReturnType<typeof setTimeout> | undefined

  const written = computed(() => [...all].filter(([, draft]) => draft.text !== EMPTY).map(([place]) => place))
  /** Channels with a draft of their own; one in a thread is not the channel's. */
  const channels = computed<ReadonlySet<string>>((before) => {
    const now = new Set(written.value.filter((place) => threadOf(place) === null))
    // With every key the text changes, and seldom which channels have one.
    return before?.size === now.size && [...now].every((place) => before.has(place)) ? before : now
  })

  function get(place: Place): string {
    return all.get(place)?.text ?? EMPTY
  }

  /** What a person did here. */
  function set(place: Place, text: string): void {
    const kept = text.trim() === '' ? EMPTY : text
    if (kept === get(place)) return
    waiting.delete(place)
    put(place, { text: kept, at: Date.now(), unsaved: true })
    saver ??= setTimeout(saveAll, SAVE_AFTER_MS)
  }

  function put(place: Place, draft: LocalDraft): void {
    if (draft.text === EMPTY && !draft.unsaved) all.delete(place)
    else all.set(place, draft)
    unwritten.add(place)
    writing ??= setTimeout(write, WRITE_AFTER_MS)
  }

  /** Somebody writes there now: what other devices say of it waits. */
  function hold(place: Place): void {
    held.add(place)
  }

  function release(place: Place): void {
    held.delete(place)
    const draft = waiting.get(place)
    waiting.delete(place)
    if (draft !== undefined && all.get(place)?.unsaved !== true) put(place, draft)
  }

  /** What the server says. */
  function take(place: Place, draft: Draft | null): void {
    if (draft !== null) told.set(place, draft.updated_at)
    const remote = { text: draft?.text ?? EMPTY, at: draft === null ? 0 : Date.parse(draft.updated_at), unsaved: false }
    const local = all.get(place)
    if (local?.unsaved === true) return
    if (remote.text === (local?.text ?? EMPTY)) waiting.delete(place)
    else if (held.has(place)) waiting.set(place, remote)
    else put(place, remote)
  }

  function onEvent(event: Envelope): void {
    if (event.type !== 'draft.updated') return
    const { channel_id: channelId, thread_id: threadId, draft } = event.data
    const place = placeIn(channelId, threadId)
    if ((draft?.updated_at ?? event.time) > (told.get(place) ?? '')) take(place, draft)
  }

  /** All that the server has of a workspace: what it lacks was dropped on another device. */
  async function load(workspaceId: string): Promise<void> {
    const seen = new Set<Place>()
    try {
      for (let cursor: string | null = null, more = true; more; more = cursor !== null) {
        const page = await api.page(workspaceId, cursor)
        for (const draft of page.items) {
          const place = placeIn(draft.channel_id, draft.thread_id)
          seen.add(place)
          take(place, draft)
        }
        cursor = page.next
      }
    } catch (error) {
      // Without an answer what is here stands; the next connection asks again.
      asProblem(error)
      return
    }
    for (const [place, draft] of all) {
      const here = entities.channels.get(channelOf(place))?.channel.workspace_id === workspaceId
      if (here && !draft.unsaved && !seen.has(place)) take(place, null)
    }
    saveAll()
  }

  function saveAll(): void {
    clearTimeout(saver)
    saver = undefined
    for (const [place, draft] of all) if (draft.unsaved) void save(place)
  }

  /** One at a time per place, so that an older text never lands on a newer one. */
  async function save(place: Place): Promise<void> {
    const draft = all.get(place)
    if (draft?.unsaved !== true || saving.has(place) || owner === '') return
    saving.add(place)
    let again = 0
    try {
      const late = Date.now() - draft.at > SAVE_AFTER_MS + RETRY_MS
      const answer = await api.write(channelOf(place), {
        text: draft.text,
        thread_id: threadOf(place),
        ...(late ? { updated_at: new Date(draft.at).toISOString() } : {}),
      })
      if (answer.draft !== null) told.set(place, answer.draft.updated_at)
      if (all.get(place) === draft) {
        put(place, { ...draft, unsaved: false })
        take(place, answer.draft)
      } else again = SAVE_AFTER_MS
    } catch (error) {
      const problem = asProblem(error)
      if (problem.temporary || problem.status === 401) again = RETRY_MS
      // The server will never take it (the channel is gone, say): it stays in this browser.
      else if (all.get(place) === draft) put(place, { ...draft, unsaved: false })
    } finally {
      saving.delete(place)
    }
    if (again > 0) saver ??= setTimeout(saveAll, again)
  }

  function keyOf(place: Place): string {
    return `tertulia.draft.${owner}.${place}`
  }

  function write(): void {
    clearTimeout(writing)
    writing = undefined
    for (const place of unwritten) {
      const draft = all.get(place)
      try {
        if (draft === undefined) localStorage.removeItem(keyOf(place))
        else localStorage.setItem(keyOf(place), JSON.stringify(draft))
      } catch {
        // Storage is full or blocked: the draft lasts as long as the tab, and at the server.
      }
    }
    unwritten.clear()
  }

  /** What this browser keeps of the person who is here now. */
  function restore(): void {
    if (owner === entities.myId) return
    pause()
    owner = entities.myId
    const prefix = keyOf('')
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(prefix)) continue
      const draft = read(localStorage.getItem(key))
      if (draft !== null) all.set(key.slice(prefix.length), draft)
    }
  }

  /** The session has ended: everything stays on disk for the next log-in. */
  function pause(): void {
    if (owner !== '') write()
    clearTimeout(saver)
    saver = undefined
    owner = ''
    for (const kept of [all, told, waiting]) kept.clear()
  }

  /** A person logs out: nothing of theirs stays in this browser. The server has it. */
  function clear(): void {
    for (const place of all.keys()) localStorage.removeItem(keyOf(place))
    unwritten.clear()
    pause()
  }

  addEventListener('pagehide', write)
  // Another tab of this browser: it also sends what it has written.
  addEventListener('storage', ({ key, newValue }) => {
    if (owner === '' || key === null || !key.startsWith(keyOf(''))) return
    const place = key.slice(keyOf('').length)
    const draft = read(newValue)
    if (!held.has(place) && draft !== null && draft.text !== get(place)) all.set(place, draft)
  })

  return { all, channels, get, set, hold, release, onEvent, load, saveAll, restore, pause, clear }
})

function read(stored: string | null): LocalDraft | null {
  try {
    const { text, at, unsaved } = JSON.parse(stored ?? 'null') as Record<keyof LocalDraft, unknown>
    if (typeof text !== 'string' || typeof at !== 'number') return null
    return { text, at, unsaved: unsaved === true }
  } catch {
    return null
  }
}
