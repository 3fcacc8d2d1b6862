/** Full-jitter exponential back-off: spreads a crowd that lost the same server. Times in ms. */

export const FIRST_MS = 500
export const CEILING_MS = 30_000

/** Wait before attempt `attempt` (0 = first retry): uniform between 0 and min(30 s, 0.5 s · 2^attempt). */
export function fullJitter(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CEILING_MS, FIRST_MS * 2 ** Math.min(attempt, 16))
}
