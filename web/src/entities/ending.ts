/** Things that are over at a time of their own, of which nobody tells. */

/** The longest wait that browsers take; what ends later is looked at again then. */
const LONGEST_MS = 2 ** 31 - 1

/** Calls when the time has come; never when there is none. */
export function atEnd(until: string | null | undefined, over: () => void): void {
  if (!until) return
  const left = Date.parse(until) - Date.now()
  if (left > LONGEST_MS) setTimeout(() => atEnd(until, over), LONGEST_MS)
  else setTimeout(over, Math.max(0, left))
}
