/** Hands spans to the server when it keeps traces. Asked once per visit; a failure means no spans, and nothing else. */
import { status } from '@/api/endpoints'
import { Problem } from '@/api/problem'
import { freshToken } from '@/api/session'
import { configureTracing } from '@/api/trace'

let asked = false

export async function startTracing(): Promise<void> {
  if (asked) return
  asked = true
  try {
    const { tracing } = await status.get()
    if (tracing === true) configureTracing((body) => void deliver(body))
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}

async function deliver(body: string): Promise<void> {
  try {
    const token = await freshToken()
    await fetch('/api/v1/telemetry/traces', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Tertulia-Client': 'web',
        Authorization: `Bearer ${token}`,
      },
      body,
      // Outlives the page: the last spans of a visit come through as well.
      keepalive: true,
    })
  } catch {
    // Spans are worth no word to anybody.
  }
}
