/** Tells the others that somebody is writing: at most every 3 s, as the server does, and nothing is lost when it fails. */
import { channels } from '@/api/endpoints'
import { Problem } from '@/api/problem'

const EVERY_MS = 3_000

export function useTypingSignal(): (channelId: string) => void {
  let last = Number.NEGATIVE_INFINITY
  return (channelId) => {
    const now = performance.now()
    if (now - last < EVERY_MS) return
    last = now
    channels.typing(channelId).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
    })
  }
}
