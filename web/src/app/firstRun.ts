/** Whether nobody has an account on this server yet. Asked of strangers only, and not again once somebody has one. */
import { request } from '@/api/client'

let over = false

export async function isFirstRun(): Promise<boolean> {
  if (over) return false
  try {
    const { pending } = await request<{ pending: boolean }>('GET', '/auth/first-run', { anonymous: true })
    over = !pending
    return pending
  } catch {
    // Log-in says what is wrong, if something is.
    return false
  }
}
