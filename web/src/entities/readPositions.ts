/**
 * Where this browser has read to, per channel. A stand-in until the server holds read cursors:
 * it only decides what is bold here, and other devices do not learn of it.
 */
const KEY = 'tertulia.read'

let positions: Record<string, number> | null = null

function load(): Record<string, number> {
  if (positions === null) {
    try {
      positions = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Record<string, number>
    } catch {
      positions = {}
    }
  }
  return positions
}

export const readPositions = {
  get: (channelId: string): number | undefined => load()[channelId],

  set(channelId: string, seq: number): void {
    load()[channelId] = seq
    try {
      localStorage.setItem(KEY, JSON.stringify(positions))
    } catch {
      // Storage is full or blocked: reading positions then last as long as the tab.
    }
  },

  clear(): void {
    positions = {}
    localStorage.removeItem(KEY)
  },
}
