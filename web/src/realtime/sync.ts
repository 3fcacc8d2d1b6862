/**
 * Keeps the entity store equal to the server: snapshot first, then events in order, holes repaired.
 *
 * - A workspace is bootstrapped when it is opened; the cursor was read before the data, so the stream may repeat
 *   what the snapshot holds, but never skips.
 * - Events of a workspace that is being bootstrapped wait until it is there.
 * - Per channel `ch_seq` has no gaps. A gap holds the channel back and fetches `GET /channels/{ch}/events?after=known`;
 *   when the log no longer reaches back, the channel's history is dropped and loaded again by whoever shows it.
 */
import { channels as channelApi, users as userApi, workspaces as workspaceApi } from '@/api/endpoints'
import type { Envelope, Hello } from '@/api/events'
import { asProblem, Problem } from '@/api/problem'
import type { Bootstrap } from '@/api/types'
import { advance, applyEvent } from '@/entities/apply'
import { verdict } from '@/entities/sequence'
import type { Entities } from '@/entities/store'

import { fullJitter } from './backoff'
import { copy } from './copy'

/** A channel that is behind by more events is loaded anew: it costs less, and nobody reads on from there. */
const MAX_REPAIRED = 2_000

export interface SyncHooks {
  /** The first snapshot brought a cursor: the stream can start there. */
  onCursor(cursor: string | null): void
  /** An event was applied for the first time. */
  onApplied(event: Envelope): void
  /** A workspace was painted, for the first time or anew. */
  onSnapshot?(workspaceId: string): void
  /** An event of a workspace that is not painted. */
  onElsewhere?(event: Envelope): void
  /** A hole in a channel was closed; what came without a number meanwhile may have been applied too early. */
  onRepaired?(workspaceId: string): void
}

export class Sync {
  /** Events that wait for a workspace's snapshot. */
  readonly #waiting = new Map<string, Envelope[]>()
  /** Workspaces whose snapshot was asked for again while one was on its way: that one may be too old. */
  readonly #stale = new Set<string>()
  readonly #open = new Set<string>()
  /** Events that wait for a channel's gap to be closed. */
  readonly #held = new Map<string, Envelope[]>()
  readonly #asked = new Set<string>()

  constructor(
    private readonly store: Entities,
    private readonly hooks: SyncHooks,
  ) {}

  isOpen(workspaceId: string): boolean {
    return this.#open.has(workspaceId)
  }

  /** Loads a workspace unless it is there. Throws a Problem when the server does not give it. */
  async openWorkspace(workspaceId: string): Promise<void> {
    if (this.#open.has(workspaceId) || this.#waiting.has(workspaceId)) return
    const snapshot = await this.#bootstrap(workspaceId)
    this.hooks.onCursor(snapshot.cursor)
  }

  /** The workspace as this browser kept it, while the server cannot be asked: the first `hello` reads it anew. */
  async openCopy(workspaceId: string): Promise<boolean> {
    const snapshot = await copy.bootstrap(this.store.myId, workspaceId)
    if (snapshot === undefined || this.#open.has(workspaceId)) return this.#open.has(workspaceId)
    this.store.fromCopy = true
    this.store.setBootstrap(snapshot)
    this.#open.add(workspaceId)
    this.hooks.onCursor(null)
    return true
  }

  /** Another person may log in next: nothing of this one stays. */
  forget(): void {
    this.#open.clear()
    this.#waiting.clear()
    this.#stale.clear()
    this.#held.clear()
    this.#asked.clear()
  }

  /** After `hello` without resume, or `reset`: everything that is open is painted anew. */
  onHello(hello: Hello): void {
    if (!hello.resumed || this.store.fromCopy) this.refetch()
  }

  refetch(): void {
    const shown = new Set([...this.#open, ...this.#waiting.keys()])
    for (const workspaceId of shown) void this.#bootstrapUntilDone(workspaceId)
  }

  onEvent(event: Envelope): void {
    const waiting = event.workspace_id === null ? undefined : this.#waiting.get(event.workspace_id)
    if (waiting !== undefined) waiting.push(event)
    else this.#route(event)
  }

  async #bootstrapUntilDone(workspaceId: string): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      if (this.#waiting.has(workspaceId)) {
        this.#stale.add(workspaceId)
        return
      }
      if (!this.#open.has(workspaceId)) return
      try {
        await this.#bootstrap(workspaceId)
        return
      } catch (error) {
        const problem = asProblem(error)
        if (problem.status === 404 || problem.status === 403) {
          this.#open.delete(workspaceId)
          return this.store.forgetWorkspace(workspaceId)
        }
        if (!problem.temporary) return
        await new Promise((resolve) => setTimeout(resolve, 500 + fullJitter(attempt)))
      }
    }
  }

  /** One at a time per workspace: an older snapshot after a newer one would undo what events have told. */
  async #bootstrap(workspaceId: string): Promise<Bootstrap> {
    this.#waiting.set(workspaceId, [])
    try {
      let snapshot: Bootstrap
      do {
        this.#stale.delete(workspaceId)
        snapshot = await workspaceApi.bootstrap(workspaceId)
      } while (this.#stale.has(workspaceId))
      this.store.fromCopy = false
      this.store.setBootstrap(snapshot)
      void copy.keepBootstrap(snapshot)
      this.#open.add(workspaceId)
      this.#closeGaps(workspaceId)
      return snapshot
    } finally {
      const events = this.#waiting.get(workspaceId) ?? []
      this.#waiting.delete(workspaceId)
      for (const event of events) this.#route(event)
      if (this.#open.has(workspaceId)) this.hooks.onSnapshot?.(workspaceId)
    }
  }

  /** Channels whose loaded history ends before the snapshot. */
  #closeGaps(workspaceId: string): void {
    for (const [channelId, entry] of this.store.channels) {
      if (entry.channel.workspace_id !== workspaceId || !entry.joined) continue
      const missing = entry.channel.last_seq - entry.knownSeq
      if (missing > MAX_REPAIRED) void this.#startOver(channelId)
      else if (missing > 0) void this.#repair(channelId)
    }
  }

  #route(event: Envelope): void {
    if (event.workspace_id !== null && !this.#open.has(event.workspace_id)) {
      // Not painted yet: only what the rail shows of it matters.
      if (event.type === 'workspace.updated' || event.type === 'workspace.member_left') this.#apply(event)
      else this.hooks.onElsewhere?.(event)
      return
    }
    const id = event.channel_id
    const entry = id === null ? undefined : this.store.channels.get(id)
    if (id === null || event.ch_seq === null || entry === undefined || !entry.joined) {
      return this.#apply(event)
    }
    const held = this.#held.get(id)
    if (held !== undefined) {
      held.push(event)
      return
    }
    const judged = verdict(entry.knownSeq, event.ch_seq)
    if (judged === 'apply') this.#apply(event)
    else if (judged === 'gap') void this.#repair(id, event)
  }

  #apply(event: Envelope): void {
    const added = this.#addsMe(event)
    const reach = this.#changesReach(event)
    applyEvent(this.store, event)
    advance(this.store, event)
    if (event.type === 'message.created') this.learnUser(event.data.message.author_id)
    if (added !== null) void this.#learnChannel(added)
    if (reach !== null) void this.#bootstrapUntilDone(reach)
    this.hooks.onApplied(event)
  }

  /** The channel that this event lets me into, if it does. */
  #addsMe(event: Envelope): string | null {
    if (event.type !== 'member.joined' || event.data.user.id !== this.store.myId) return null
    const { id } = event.data.channel
    return this.store.channels.get(id)?.joined ? null : id
  }

  /** The workspace of which I see other channels from here on: no event tells a former guest which there are. */
  #changesReach(event: Envelope): string | null {
    if (event.type !== 'workspace.member_updated' || event.data.user_id !== this.store.myId) return null
    const before = this.store.workspaces.get(event.workspace_id ?? '')?.role
    return before !== undefined && (before === 'guest') !== (event.data.role === 'guest') ? event.workspace_id : null
  }

  /** The event that let me in does not say how many people are there. */
  async #learnChannel(channelId: string): Promise<void> {
    try {
      const { channel, member_count: memberCount } = await channelApi.get(channelId)
      this.store.setChannel(channel, { memberCount })
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      // The count stays a guess until the next snapshot.
    }
  }

  async #repair(channelId: string, event?: Envelope): Promise<void> {
    if (this.#held.has(channelId)) return
    this.#held.set(channelId, event === undefined ? [] : [event])
    try {
      await this.#fetchMissing(channelId)
    } finally {
      const held = this.#held.get(channelId) ?? []
      this.#held.delete(channelId)
      for (const later of held) this.#route(later)
      const workspaceId = this.store.channels.get(channelId)?.channel.workspace_id
      if (workspaceId !== undefined) this.hooks.onRepaired?.(workspaceId)
    }
  }

  async #fetchMissing(channelId: string): Promise<void> {
    let expired = false
    for (let attempt = 0; ; ) {
      const entry = this.store.channels.get(channelId)
      if (entry === undefined) return
      try {
        if (expired) return await this.#startOver(channelId)
        const page = await channelApi.events(channelId, entry.knownSeq)
        for (const event of page.items) {
          if (verdict(this.#known(channelId), event.ch_seq ?? 0) === 'apply') this.#apply(event)
        }
        attempt = 0
        if (page.has_more && page.items.length > 0) continue
        if (this.#gapRemains(channelId)) await this.#startOver(channelId)
        return
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        if (error.status === 410) expired = true
        else if (error.status === 404 || error.status === 403) return this.store.forgetChannel(channelId)
        else await new Promise((resolve) => setTimeout(resolve, 500 + fullJitter(attempt++)))
      }
    }
  }

  /** The server has told everything, and an event that came live still does not fit. */
  #gapRemains(channelId: string): boolean {
    const first = this.#held.get(channelId)?.[0]
    return first !== undefined && verdict(this.#known(channelId), first.ch_seq ?? 0) === 'gap'
  }

  #known(channelId: string): number {
    return this.store.channels.get(channelId)?.knownSeq ?? Number.MAX_SAFE_INTEGER
  }

  async #startOver(channelId: string): Promise<void> {
    const { channel, joined, member_count: memberCount } = await channelApi.get(channelId)
    this.store.forgetHistory(channelId)
    this.store.setChannel(channel, { joined, memberCount, knownSeq: channel.last_seq })
  }

  /** Someone who left the workspace still has messages here: fetch the name once. */
  learnUser(userId: string): void {
    if (this.store.users.has(userId) || this.#asked.has(userId)) return
    this.#asked.add(userId)
    userApi.get(userId).then(
      (user) => this.store.setUser(user),
      (error: unknown) => {
        if (error instanceof Problem && error.temporary) this.#asked.delete(userId)
      },
    )
  }
}
