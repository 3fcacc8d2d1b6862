/** What to do with an event of a channel, by the channel's gap-free `ch_seq`. Pure. */

export type Verdict = 'apply' | 'duplicate' | 'gap'

/** `known` is the last `ch_seq` applied to the channel. */
export function verdict(known: number, seq: number): Verdict {
  if (seq <= known) return 'duplicate'
  return seq === known + 1 ? 'apply' : 'gap'
}
