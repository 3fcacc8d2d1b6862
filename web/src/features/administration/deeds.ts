/** What a moderator does to a person, for how long and where. Pure, but for the asking. */
import type { Territory } from '@/api/administration'
import { moderation } from '@/api/administration'

export type Deed = 'mute' | 'ban' | 'kick'

/** Seconds; null: for good, which a mute never is. */
export const LENGTHS: Record<Exclude<Deed, 'kick'>, readonly (number | null)[]> = {
  mute: [600, 3_600, 86_400, 604_800, 2_592_000],
  ban: [null, 3_600, 86_400, 604_800, 2_592_000],
}

export interface Terms {
  seconds: number | null
  reason: string
}

export function untilOf(seconds: number | null, now: number): string | null {
  return seconds === null ? null : new Date(now + seconds * 1_000).toISOString()
}

export async function perform(deed: Deed, territory: Territory, userId: string, terms: Terms): Promise<void> {
  const until = untilOf(terms.seconds, Date.now())
  if (deed === 'kick') await moderation.kick(territory.id, userId, terms.reason)
  else if (deed === 'ban') await moderation.ban(territory, userId, until, terms.reason)
  else if (until !== null) await moderation.mute(territory, userId, until, terms.reason)
}
