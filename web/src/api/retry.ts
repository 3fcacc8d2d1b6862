/** When what the server has not taken is tried again. Pure. */

/** Seconds between tries; the last one repeats. */
export const RETRY_S: readonly number[] = [1, 2, 4, 8, 15, 30]

/** Wait in ms before try number `attempts` + 1: the step, give or take 20 %, never less than the server asked for. */
export function retryDelay(attempts: number, retryAfterS: number | null, random: () => number): number {
  const step = RETRY_S[Math.min(attempts, RETRY_S.length) - 1] ?? 1
  return Math.max(step * 1000 * (0.8 + 0.4 * random()), (retryAfterS ?? 0) * 1000)
}

/** What has waited longer than this is not sent behind its author's back. */
export const STALE_MS = 24 * 3_600_000

/** Why something has not been done and is not tried again by itself. */
export interface Failure {
  code: string
  detail: string
  requestId: string | null
}

export const STALE: Failure = { code: 'stale', detail: '', requestId: null }
