/**
 * The access token, in memory only. The refresh token is an HttpOnly cookie that scripts never see.
 *
 * Refresh tokens rotate, so at most one refresh may run at a time: inside this tab by sharing the promise,
 * between tabs by a Web Lock (where the browser offers them: secure contexts only; the server forgives the rest).
 */
import { exclusively } from './exclusive'
import { networkProblem, problemFrom } from './problem'
import type { AuthResult, Me } from './types'

/** Refresh this long before the token expires (or a quarter of its life), so that a slow request does not meet the end. */
const EARLY_MS = 30_000
const REFRESH_TIMEOUT_MS = 15_000

type Listener = (user: Me | null) => void

let accessToken: string | null = null
/** When to get another one, unix ms. */
let refreshAt = 0
let refreshing: Promise<string> | null = null
const listeners = new Set<Listener>()

/** Told with the user after a log-in or refresh, with null when the session has ended. */
export function onSession(listener: Listener): void {
  listeners.add(listener)
}

export function openSession(result: AuthResult): void {
  accessToken = result.access_token
  const life = result.expires_in * 1000
  refreshAt = Date.now() + life - Math.min(EARLY_MS, life / 4)
  for (const listener of listeners) listener(result.user)
}

export function closeSession(): void {
  accessToken = null
  refreshAt = 0
  for (const listener of listeners) listener(null)
}

/** A token that is good for at least a few seconds. Throws a Problem: 401 when the session has ended. */
export async function freshToken(): Promise<string> {
  if (accessToken !== null && Date.now() < refreshAt) return accessToken
  return refresh()
}

/** The server refused this token: get another one before the next request. */
export function distrust(token: string): void {
  if (token === accessToken) refreshAt = 0
}

export function refresh(): Promise<string> {
  refreshing ??= exclusively('refresh', requestRefresh).finally(() => {
    refreshing = null
  })
  return refreshing
}

async function requestRefresh(): Promise<string> {
  let response: Response
  try {
    response = await fetch('/api/v1/auth/refresh', {
      method: 'POST',
      headers: { 'X-Tertulia-Client': 'web' },
      signal: AbortSignal.timeout(REFRESH_TIMEOUT_MS),
    })
  } catch {
    throw networkProblem()
  }
  if (!response.ok) {
    const problem = await problemFrom(response)
    if (response.status === 401) closeSession()
    throw problem
  }
  const result = (await response.json()) as AuthResult
  openSession(result)
  return result.access_token
}
