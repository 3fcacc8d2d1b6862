/** When I do not want to be notified: for a while, or at this time of my day. Pure. */
import type { PresenceSettings } from '@/api/types'

export function isQuiet({ dnd_until: until, quiet_hours: hours, time_zone: zone }: PresenceSettings, now: number): boolean {
  if (until !== null && Date.parse(until) > now) return true
  const clock = hours && zone ? clockIn(zone, now) : null
  if (!hours || clock === null) return false
  const { starts, ends } = hours
  return starts < ends ? starts <= clock && clock < ends : clock >= starts || clock < ends
}

/** `22:05`; null: this browser does not know the zone, whatever another one said. */
function clockIn(timeZone: string, now: number): string | null {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(now)
  } catch {
    return null
  }
}
