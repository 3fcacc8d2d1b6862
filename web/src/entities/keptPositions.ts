/** How far somebody has read, in this browser, until the server has it. */
import type { Place } from './place'
import type { ReadWish } from './store'

/** Older ones are not asked about: where somebody was a day ago they are no longer. */
const LIFE_MS = 24 * 3_600_000

interface Kept extends ReadWish {
  readonly at: number
}

const prefixOf = (userId: string) => `tertulia.read.${userId}.`

function parsed(stored: string | null): Kept | null {
  try {
    const { seq, exact, at } = JSON.parse(stored ?? 'null') as Record<keyof Kept, unknown>
    return typeof seq === 'number' && typeof at === 'number' ? { seq, exact: exact === true, at } : null
  } catch {
    return null
  }
}

export const keptPositions = {
  all(userId: string): [Place, ReadWish][] {
    const found: [Place, ReadWish][] = []
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(prefixOf(userId))) continue
      const kept = parsed(localStorage.getItem(key))
      if (kept === null || Date.now() - kept.at > LIFE_MS) localStorage.removeItem(key)
      else found.push([key.slice(prefixOf(userId).length), kept])
    }
    return found
  },

  keep(userId: string, place: Place, { seq, exact }: ReadWish): void {
    try {
      localStorage.setItem(prefixOf(userId) + place, JSON.stringify({ seq, exact, at: Date.now() } satisfies Kept))
    } catch {
      // Storage is full or blocked: it lasts as long as the tab.
    }
  },

  forget(userId: string, place: Place): void {
    localStorage.removeItem(prefixOf(userId) + place)
  },

  clear(userId: string): void {
    for (const key of Object.keys(localStorage)) if (key.startsWith(prefixOf(userId))) localStorage.removeItem(key)
  },
}
