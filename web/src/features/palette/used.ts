/** Actions that were run from the palette last, in this browser: they are offered first. */
const KEY = 'tertulia.actions'
const KEPT = 12

export function lastUsed(): readonly string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(list) ? list.filter((id): id is string => typeof id === 'string') : []
  } catch {
    return []
  }
}

export function used(id: string): void {
  try {
    localStorage.setItem(KEY, JSON.stringify([id, ...lastUsed().filter((other) => other !== id)].slice(0, KEPT)))
  } catch {
    // Blocked storage: they stand in their own order.
  }
}
