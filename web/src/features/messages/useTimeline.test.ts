import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import { applyMessage } from '@/entities/apply'
import { useEntities } from '@/entities/store'
import { channel, message, session } from '@/testing/fixtures'

import { useTimeline } from './useTimeline'

interface Asked {
  query: string
  answer: (seqs: number[], more?: { before?: boolean; after?: boolean }) => void
}

/** Requests for pages that wait for their answer, in the order they came. */
let asked: Asked[]

/** The request of this number, once it has been sent. */
function request(number: number): Promise<Asked> {
  return vi.waitFor(() => {
    const found = asked[number]
    if (found === undefined) throw new Error(`only ${asked.length} requests`)
    return found
  })
}

function open(lastSeq: number) {
  const store = useEntities()
  store.setChannel(channel('c', lastSeq), { joined: true })
  return store
}

beforeEach(() => {
  asked = []
  setActivePinia(createPinia())
  openSession(session())
  vi.stubGlobal('fetch', (url: string) => {
    if (url.endsWith('/messages/m0')) {
      const problem = { status: 404, code: 'not_found', title: 'Not found', detail: null }
      return Promise.resolve(Response.json(problem, { status: 404, headers: { 'content-type': 'application/problem+json' } }))
    }
    if (!url.includes('/channels/') && !url.includes('/thread')) return Promise.resolve(Response.json({ message: message(2) }))
    return new Promise<Response>((resolve) => {
      asked.push({
        query: url.split('?')[1] ?? '',
        answer: (seqs, { before = false, after = false } = {}) =>
          resolve(Response.json({ items: seqs.map((seq) => message(seq)), has_before: before, has_after: after })),
      })
    })
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
  closeSession()
})

describe('a history', () => {
  it('asks again for what came live while the last page was on its way', async () => {
    const store = open(3)
    store.timelines.set('c', { items: [message(1)], hasBefore: false, hasAfter: true })
    const { timeline, loadNewer } = useTimeline('c')
    const loading = loadNewer()
    const page = await request(0)
    applyMessage(store, message(4))
    page.answer([2, 3])
    const rest = await request(1)
    expect(rest.query).toContain('after=3')
    rest.answer([4])
    await loading
    expect(timeline.value.items.map((item) => item.ch_seq)).toEqual([1, 2, 3, 4])
    expect(timeline.value.hasAfter).toBe(false)
  })

  it('asks again for what came live while a window around a message was on its way', async () => {
    const store = open(3)
    const { timeline, loadAround } = useTimeline('c')
    const loading = loadAround('m2')
    const page = await request(0)
    applyMessage(store, message(4))
    page.answer([1, 2, 3])
    const rest = await request(1)
    rest.answer([4])
    await loading
    expect(timeline.value.items.map((item) => item.ch_seq)).toEqual([1, 2, 3, 4])
  })

  it('says when there is no message to go to, which is no failure of the list', async () => {
    const store = open(3)
    store.timelines.set('c', { items: [message(3)], hasBefore: true, hasAfter: false })
    const { loadAround, problem } = useTimeline('c')
    expect(await loadAround('m0')).toBe(false)
    expect(problem.value).toBeNull()
    expect(await loadAround('m3')).toBe(true)
  })

  it('goes to the end although an older page is on its way, and drops that page', async () => {
    const store = open(900)
    store.timelines.set('c', { items: [message(100)], hasBefore: true, hasAfter: true })
    const { timeline, loading, loadOlder, loadLatest } = useTimeline('c')
    const older = loadOlder()
    const late = await request(0)
    const latest = loadLatest()
    const newest = await request(1)
    late.answer([98, 99], { before: true, after: true })
    await older
    expect(timeline.value.items).toEqual([])
    expect(loading.value).toBe('first')
    newest.answer([899, 900], { before: true })
    await latest
    expect(timeline.value.items.map((item) => item.ch_seq)).toEqual([899, 900])
    expect(loading.value).toBeNull()
  })

  it('is fetched anew when the store drops it while a page is on its way', async () => {
    const store = open(900)
    store.timelines.set('c', { items: [message(100)], hasBefore: true, hasAfter: false })
    const { timeline, loadOlder } = useTimeline('c')
    const older = loadOlder()
    const late = await request(0)
    store.timelines.delete('c')
    late.answer([98, 99], { before: true, after: true })
    await older
    const newest = await request(1)
    newest.answer([900], { before: true })
    await vi.waitFor(() => expect(timeline.value.items.map((item) => item.ch_seq)).toEqual([900]))
  })

  it('comes in larger pages while somebody goes on and on', async () => {
    const store = open(900)
    store.timelines.set('c', { items: [message(800)], hasBefore: true, hasAfter: false })
    const { loadOlder } = useTimeline('c')
    const sizes = []
    for (let number = 0; number < 2; number++) {
      const older = loadOlder()
      const page = await request(number)
      sizes.push(new URLSearchParams(page.query).get('limit'))
      page.answer([799 - number], { before: true })
      await older
    }
    expect(sizes).toEqual(['50', '200'])
  })
})

describe("a thread's history", () => {
  it('comes from the thread, and goes on at a reply that a link led to', async () => {
    const store = open(9)
    const { timeline, loadAround, loadOlder } = useTimeline('c/m1')
    const loading = loadAround('m2')
    const page = await request(0)
    expect(page.query).toBe('after=1&limit=50')
    page.answer([2, 4], { before: true })
    await loading
    // What the channel has beyond that is none of the thread's.
    expect(timeline.value.hasAfter).toBe(false)
    const older = loadOlder()
    const first = await request(1)
    expect(first.query).toContain('before=2')
    first.answer([1])
    await older
    expect(store.timelines.get('c/m1')?.items.map((item) => item.ch_seq)).toEqual([1, 2, 4])
    expect(store.timelines.has('c')).toBe(false)
  })
})
