/** Whether I may write, from what moderators said. Pure. Times in ms. */

/** Of the mutes in a channel and in all of its workspace the one that ends last; null when none holds any more. */
export function mutedUntil(ends: readonly (string | null | undefined)[], now: number): number | null {
  const last = Math.max(0, ...ends.map((end) => (end ? Date.parse(end) : 0)))
  return last > now ? last : null
}
