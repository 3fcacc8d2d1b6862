import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import * as fixtures from '@/testing/fixtures'

import { request } from './client'
import { Problem } from './problem'
import { closeSession, distrust, freshToken, onSession, openSession } from './session'
import type { AuthResult, Me } from './types'

function session(token: string, expiresIn = 900): AuthResult {
  return fixtures.session({ access_token: token, expires_in: expiresIn })
}

interface Seen {
  url: string
  headers: Record<string, string>
}

let seen: Seen[]
let answer: (url: string, headers: Record<string, string>) => Response

beforeEach(() => {
  seen = []
  answer = () => Response.json({})
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>
    seen.push({ url, headers })
    return Promise.resolve().then(() => answer(url, headers))
  })
})

afterEach(() => {
  closeSession()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const refreshes = () => seen.filter((call) => call.url.endsWith('/auth/refresh')).length

describe('a request', () => {
  it('carries the token and says that it comes from the web', async () => {
    openSession(session('t1'))
    await request('GET', '/workspaces', { query: { limit: 5, cursor: null } })
    expect(seen[0]).toMatchObject({
      url: '/api/v1/workspaces?limit=5',
      headers: { Authorization: 'Bearer t1', 'X-Tertulia-Client': 'web' },
    })
  })

  it('refreshes a refused token once and tries again', async () => {
    openSession(session('old'))
    answer = (url, headers) => {
      if (url.endsWith('/auth/refresh')) return Response.json(session('new'))
      return headers['Authorization'] === 'Bearer new' ? Response.json({ ok: 1 }) : new Response(null, { status: 401 })
    }
    expect(await request('GET', '/workspaces')).toEqual({ ok: 1 })
    expect(refreshes()).toBe(1)
  })

  it('becomes a problem with code, fields and request id', async () => {
    openSession(session('t1'))
    answer = () =>
      Response.json(
        { code: 'validation_failed', detail: 'No.', request_id: 'r9', errors: [{ pointer: '/name', detail: 'Too long.' }] },
        { status: 422 },
      )
    const problem = await request('POST', '/workspaces', { body: {} }).catch((error: unknown) => error as Problem)
    expect(problem).toBeInstanceOf(Problem)
    expect(problem).toMatchObject({ status: 422, code: 'validation_failed', requestId: 'r9', temporary: false })
    expect((problem as Problem).field('name')).toBe('Too long.')
  })

  it('takes a proxy’s HTML page for what it is', async () => {
    openSession(session('t1'))
    answer = () => new Response('<h1>502</h1>', { status: 502, headers: { 'X-Request-Id': 'r1', 'Retry-After': '3' } })
    await expect(request('GET', '/workspaces')).rejects.toMatchObject({
      status: 502, requestId: 'r1', retryAfter: 3, temporary: true,
    })
  })

  it('without an answer is a network problem', async () => {
    openSession(session('t1'))
    answer = () => {
      throw new TypeError('failed to fetch')
    }
    await expect(request('GET', '/workspaces')).rejects.toMatchObject({ status: 0, code: 'network', temporary: true })
  })
})

describe('the session', () => {
  it('refreshes once for everybody who asks at the same time', async () => {
    answer = () => Response.json(session('t2'))
    expect(await Promise.all([freshToken(), freshToken(), freshToken()])).toEqual(['t2', 't2', 't2'])
    expect(refreshes()).toBe(1)
  })

  it('gets another token before this one expires', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    openSession(session('t1', 900))
    expect(await freshToken()).toBe('t1')
    vi.setSystemTime(Date.now() + 871_000)
    answer = () => Response.json(session('t2'))
    expect(await freshToken()).toBe('t2')
  })

  it('does not throw away a newer token when an older one is refused', async () => {
    openSession(session('new'))
    distrust('old')
    expect(await freshToken()).toBe('new')
  })

  it('ends when the refresh is refused, and says so once', async () => {
    const users: (Me | null)[] = []
    onSession((user) => users.push(user))
    answer = () => Response.json({ code: 'refresh_token_reused' }, { status: 401 })
    await expect(freshToken()).rejects.toMatchObject({ status: 401, code: 'refresh_token_reused' })
    expect(users).toEqual([null])
  })

  it('stays when the server is only away', async () => {
    const users: (Me | null)[] = []
    onSession((user) => users.push(user))
    answer = () => new Response(null, { status: 503 })
    await expect(freshToken()).rejects.toMatchObject({ status: 503 })
    expect(users).toEqual([])
  })
})
