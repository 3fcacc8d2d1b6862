import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EffectScope } from 'vue'
import { effectScope } from 'vue'

import { closeSession, openSession } from '@/api/session'
import { session } from '@/testing/fixtures'

import { useSearch } from './useSearch'

interface Asked {
  url: URL
  aborted: boolean
  answer: (ids: string[], next?: string | null) => void
  refuse: (status: number, code: string) => void
}

let asked: Asked[]
let scope: EffectScope

beforeEach(() => {
  asked = []
  scope = effectScope()
  openSession(session())
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      const entry: Asked = {
        url: new URL(url, 'http://here'),
        aborted: false,
        answer: (ids, next = null) => {
          const hits = ids.map((id) => ({ message_id: id }))
          const facets = { channels: [], people: [] }
          resolve(Response.json({ hits, total: ids.length, facets, problems: [], next, took_ms: 1 }))
        },
        refuse: (status, code) => resolve(Response.json({ code, detail: code }, { status })),
      }
      init.signal?.addEventListener('abort', () => {
        entry.aborted = true
        reject(new DOMException('aborted', 'AbortError'))
      })
      asked.push(entry)
    }))
})

afterEach(() => {
  scope.stop()
  vi.unstubAllGlobals()
  closeSession()
})

function begin() {
  const search = scope.run(() => useSearch(() => 'w'))
  if (search === undefined) throw new Error('the scope is over')
  return search
}

/** The request of this number, once it has been sent. */
const request = (number: number) =>
  vi.waitFor(() => {
    const found = asked[number]
    if (found === undefined) throw new Error(`only ${asked.length} requests`)
    return found
  })

const ids = (search: ReturnType<typeof begin>) => search.answer.value?.hits.map((hit) => hit.message_id)

describe('searching as one types', () => {
  it('aborts the question before and drops its answer', async () => {
    const search = begin()
    const first = search.ask({ q: 'rel', sort: 'relevance' })
    const early = await request(0)
    const second = search.ask({ q: 'release', sort: 'relevance' })
    const late = await request(1)
    expect(early.aborted).toBe(true)
    early.answer(['old'])
    late.answer(['new'])
    await Promise.all([first, second])
    expect(ids(search)).toEqual(['new'])
    expect(search.problem.value).toBeNull()
  })

  it('puts the next page under the first, each message once', async () => {
    const search = begin()
    const first = search.ask({ q: 'release', sort: 'newest' })
    const page = await request(0)
    page.answer(['a', 'b'], 'more')
    await first
    expect(search.hasMore.value).toBe(true)
    const second = search.more()
    const next = await request(1)
    expect(next.url.searchParams.get('cursor')).toBe('more')
    expect(next.url.searchParams.get('sort')).toBe('newest')
    next.answer(['b', 'c'])
    await second
    expect(ids(search)).toEqual(['a', 'b', 'c'])
    expect(search.hasMore.value).toBe(false)
  })

  it('says when the engine is away, and asks again', async () => {
    const search = begin()
    const first = search.ask({ q: 'release', sort: 'relevance' })
    const refused = await request(0)
    refused.refuse(503, 'search_unavailable')
    await first
    expect(search.problem.value?.code).toBe('search_unavailable')
    const second = search.again()
    const page = await request(1)
    page.answer(['a'])
    await second
    expect(search.problem.value).toBeNull()
    expect(ids(search)).toEqual(['a'])
  })

  it('asks nothing for nothing', async () => {
    const search = begin()
    await search.ask({ q: '   ', sort: 'relevance' })
    expect(asked).toHaveLength(0)
    expect(search.answer.value).toBeNull()
  })
})
