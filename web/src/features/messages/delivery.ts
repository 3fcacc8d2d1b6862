/** The life of a message between Enter and the server's answer. Pure; the machinery is in outbox.ts. */
import type { Problem } from '@/api/problem'
import type { Failure } from '@/api/retry'
import { STALE, STALE_MS } from '@/api/retry'
import type { Place } from '@/entities/place'
import { placeIn } from '@/entities/place'

export type DeliveryState = 'queued' | 'sending' | 'failed'

/** A message that the server has not acknowledged. `id` is its `client_msg_id`. */
export interface Pending {
  readonly id: string
  readonly userId: string
  readonly channelId: string
  /** The first message of the thread that it answers in; absent in the channel itself. */
  readonly threadId?: string
  /** A reply that the channel shows as well. */
  readonly alsoInChannel?: boolean
  readonly text: string
  /** When it was written, unix ms. */
  readonly createdAt: number
  /** When its author said last that it shall go, unix ms; absent: when they wrote it. */
  readonly confirmedAt?: number
  readonly state: DeliveryState
  readonly attempts: number
  readonly failure: Failure | null
  /** The channel is slow and takes it from then on, unix ms; absent when none has said so. */
  readonly slowUntil?: number
}

export function placeOf({ channelId, threadId }: Pick<Pending, 'channelId' | 'threadId'>): Place {
  return placeIn(channelId, threadId ?? null)
}

/** What a failed try makes of a message: it waits for the next one, or it has failed for good. */
export function afterProblem(pending: Pending, problem: Problem, now: number): Pending {
  const attempts = pending.attempts + 1
  if (problem.temporary || problem.status === 401) {
    const queued: Pending = { ...pending, state: 'queued', attempts }
    return problem.code === 'slow_mode' ? { ...queued, slowUntil: now + (problem.retryAfter ?? 0) * 1000 } : queued
  }
  const failure = { code: problem.code, detail: problem.message, requestId: problem.requestId }
  return { ...pending, state: 'failed', attempts, failure }
}

/** A message that lay here for a day is not sent behind its author's back: it waits for Retry or Delete. */
export function withStaleAsked(pending: Pending, now: number): Pending {
  if (pending.state === 'failed' || now - (pending.confirmedAt ?? pending.createdAt) < STALE_MS) return pending
  return { ...pending, state: 'failed', failure: STALE }
}

/** The next one to send in a place: the oldest that has not failed. A failed one does not hold up the rest. */
export function nextToSend(queue: readonly Pending[]): Pending | undefined {
  return queue.find((pending) => pending.state !== 'failed')
}

/** A wish, by its id, goes after the messages that were written before it, unless they wait for their turn in a slow channel. */
export function goesBefore({ id, state, slowUntil }: Pending, wishId: string): boolean {
  return state !== 'failed' && slowUntil === undefined && id < wishId
}
