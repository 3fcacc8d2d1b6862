import { describe, expect, it } from 'vitest'

import { atRest } from '@/api/onDisk'
import { Problem } from '@/api/problem'
import { RETRY_S, retryDelay, STALE_MS } from '@/api/retry'

import type { Pending } from './delivery'
import { afterProblem, nextToSend, withStaleAsked } from './delivery'

const queued: Pending = {
  id: '1', userId: 'u', channelId: 'c', text: 'hi', createdAt: 0, state: 'queued', attempts: 0, failure: null,
}

describe('a failed try', () => {
  it.each([0, 408, 429, 500, 502, 503, 504])('with status %i waits for another one', (status) => {
    expect(afterProblem(queued, new Problem(status, 'x', ''), 0)).toMatchObject({ state: 'queued', attempts: 1 })
  })

  it.each([400, 403, 404, 409, 413, 422])('with status %i is final and keeps the reason', (status) => {
    const failed = afterProblem(queued, new Problem(status, 'archived', 'Read-only', 'r1'), 0)
    expect(failed.state).toBe('failed')
    expect(failed.failure).toEqual({ code: 'archived', detail: 'Read-only', requestId: 'r1' })
  })

  it('for want of a session waits for the next log-in', () => {
    expect(afterProblem(queued, new Problem(401, 'unauthenticated', ''), 0).state).toBe('queued')
  })

  it('in a slow channel waits for its turn, and knows when that is', () => {
    const slow = new Problem(429, 'slow_mode', '', null, [], 25)
    expect(afterProblem(queued, slow, 1_000)).toMatchObject({ state: 'queued', slowUntil: 26_000 })
    expect(afterProblem(queued, new Problem(429, 'rate_limited', '', null, [], 25), 1_000)).not.toHaveProperty('slowUntil')
  })

  it('of somebody who is muted is final', () => {
    const muted = new Problem(403, 'muted', 'Until …', null, [], 25)
    expect(afterProblem(queued, muted, 0)).toMatchObject({ state: 'failed', failure: { code: 'muted' } })
  })
})

describe('the wait before the next try', () => {
  it('follows the steps and stays at the last', () => {
    const middle = () => 0.5
    const waits = [1, 2, 3, 4, 5, 6, 7, 20].map((attempts) => retryDelay(attempts, null, middle) / 1000)
    expect(waits).toEqual([...RETRY_S, 30, 30])
  })

  it('is never shorter than the server asked', () => expect(retryDelay(1, 12, () => 0)).toBe(12_000))
  it('is spread by a fifth', () => {
    expect(retryDelay(1, null, () => 0)).toBe(800)
    expect(retryDelay(1, null, () => 1)).toBeCloseTo(1200)
  })
})

it('a failed message does not hold up the ones behind it', () => {
  expect(nextToSend([{ ...queued, state: 'failed' }, { ...queued, id: '2' }])?.id).toBe('2')
})

it('a try that a reload cut short starts again', () => {
  expect(atRest({ ...queued, state: 'sending' }).state).toBe('queued')
})

it('what has waited for a day asks before it goes', () => {
  expect(withStaleAsked(queued, STALE_MS + 1)).toMatchObject({ state: 'failed', failure: { code: 'stale' } })
  expect(withStaleAsked(queued, STALE_MS - 1)).toBe(queued)
  const confirmed = { ...queued, confirmedAt: STALE_MS }
  expect(withStaleAsked(confirmed, STALE_MS + 1)).toBe(confirmed)
})
