import 'fake-indexeddb/auto'

import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Envelope } from '@/api/events'
import { closeSession, openSession } from '@/api/session'
import type { Message, Reaction } from '@/api/types'
import { message, myself, session, TIME } from '@/testing/fixtures'

import { applyEvent } from './apply'
import { useEntities } from './store'
import type { Answer } from './wishQueue'
import { useWishes } from './wishQueue'
import type { Asked, Wish } from './wishes'
import { wishStorage } from './wishStorage'

interface Request {
  line: string
  answer: (status: number, body?: unknown) => void
  cut: () => void
}

let requests: Request[]
let settled: [Wish, Answer][]

function begin(): void {
  setActivePinia(createPinia())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.timelines.set('c', { items: [message(1, { author_id: 'ana' }), message(2)], hasBefore: false, hasAfter: false })
  settled = []
  useWishes().onSettled((wish, answer) => settled.push([wish, answer]))
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  requests = []
  openSession(session())
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      const line = `${init.method} ${decodeURIComponent(url).replace('/api/v1/messages/', '')} ${init.body ? String(init.body) : ''}`.trim()
      requests.push({
        line,
        answer: (status, body = { message: message(1, { author_id: 'ana' }), code: 'muted' }) =>
          resolve(status === 204 ? new Response(null, { status }) : Response.json(body, { status })),
        cut: () => reject(new TypeError('network')),
      })
    }),
  )
  begin()
})

afterEach(async () => {
  await useWishes().clear('ana')
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  closeSession()
})

const soon = <T>(check: () => T): Promise<T> => vi.waitFor(check, { timeout: 3_000, interval: 2 })
const stored = (at = 0): Message => useEntities().timelines.get('c')?.items[at] as Message
const shown = (at = 0): Message => useWishes().shown(stored(at))
const reactions = () => shown().reactions.map(({ emoji, user_ids: people }) => `${emoji} ${people.join(' ')}`)
const like = (wanted = true): Asked => ({ kind: 'reaction', emoji: '👍', wanted, had: !wanted })
const rewrite = (wanted: string, had = '1'): Asked => ({ kind: 'text', wanted, had })
const want = (asked: Asked, at = 0) => useWishes().want(stored(at), asked)
const request = (number: number): Promise<Request> =>
  soon(() => requests[number] ?? Promise.reject(new Error(`only ${requests.length} requests`))) as Promise<Request>
/** It is written down; which no clock of this test tells. */
const onDisk = (count: number) => soon(async () => expect(await wishStorage.all('ana')).toHaveLength(count))

function told(list: Reaction[]): void {
  const event: Envelope = {
    id: 'e', type: 'reaction.added', v: 1, workspace_id: 'w', channel_id: 'c', ch_seq: 3, actor_id: 'ben', time: TIME,
    data: { message_id: 'm1', user_id: 'ben', emoji: '👍', reactions: list },
  }
  applyEvent(useEntities(), event)
}

/** The page is loaded anew. */
async function reload(): Promise<void> {
  useWishes().pause()
  begin()
  await useWishes().restore()
}

describe('a reaction', () => {
  it('is seen at once, and stays whatever others do while it is on its way', async () => {
    want(like())
    expect(reactions()).toEqual(['👍 ana'])
    told([{ emoji: '❤️', user_ids: ['ben'] }])
    expect(reactions()).toEqual(['❤️ ben', '👍 ana'])
    const { line, answer } = await request(0)
    expect(line).toBe('PUT m1/reactions/👍')
    answer(200)
    await soon(() => expect(useWishes().unsent).toBe(0))
    expect(reactions()).toEqual(['❤️ ben', '👍 ana'])
    await onDisk(0)
  })

  it("counts once when the event is here before the answer, and the server's numbers win", async () => {
    want(like())
    told([{ emoji: '👍', user_ids: ['ana', 'ben', 'eva'] }])
    expect(reactions()).toEqual(['👍 ana ben eva'])
    ;(await request(0)).answer(200)
    await soon(() => expect(useWishes().unsent).toBe(0))
    expect(reactions()).toEqual(['👍 ana ben eva'])
  })

  it('is gone again when the server refuses it, and the reason is told', async () => {
    want(like())
    ;(await request(0)).answer(403)
    await soon(() => expect(settled).toMatchObject([[{ kind: 'reaction' }, { problem: { code: 'muted' } }]]))
    expect(reactions()).toEqual([])
  })

  it('changed while on its way asks once more for what is wanted last, and not for what lay between', async () => {
    want(like())
    const first = await request(0)
    want(like(false))
    want(like())
    want(like(false))
    expect(reactions()).toEqual([])
    first.answer(200)
    const second = await request(1)
    expect(second.line).toBe('DELETE m1/reactions/👍')
    second.answer(200)
    await soon(() => expect(useWishes().unsent).toBe(0))
    expect([reactions(), requests.length]).toEqual([[], 2])
  })
})

describe('without the network', () => {
  it('everything is as wanted, also after a reload, and goes in order when it is back', async () => {
    want(rewrite('one'))
    want(like(), 1)
    want(rewrite('two', 'one'))
    const first = await request(0)
    await soon(async () => expect((await wishStorage.all('ana')).map(({ wanted }) => wanted)).toEqual(['two', true]))
    first.cut()
    await soon(async () => expect((await wishStorage.all('ana')).map(({ attempts }) => attempts)).toEqual([1, 0]))
    await reload()
    expect([shown().text, shown(1).reactions.length]).toEqual(['two', 1])
    ;(await request(1)).answer(200)
    ;(await request(2)).answer(200, { message: message(1, { author_id: 'ana', text: 'two', edited_at: TIME }) })
    ;(await request(3)).answer(200)
    await soon(() => expect(useWishes().unsent).toBe(0))
    // It was tried before: the server is asked first whether it has it, or something else, by now.
    expect(requests.slice(1).map(({ line }) => line)).toEqual(['GET m1', 'PATCH m1 {"text":"two"}', 'PUT m2/reactions/👍'])
    expect(stored().text).toBe('two')
  })

  it('it is tried again after one second, two, four', async () => {
    want(like())
    for (const [number, seconds] of [1, 2, 4].entries()) {
      ;(await request(number)).cut()
      await soon(() => expect(useWishes().of('m1')[0]).toMatchObject({ attempts: number + 1, state: 'queued' }))
      await soon(() => expect(vi.getTimerCount()).toBeGreaterThan(0))
      vi.advanceTimersByTime(seconds * 1000 - 1)
      expect(requests).toHaveLength(number + 1)
      vi.advanceTimersByTime(1)
    }
    expect((await request(3)).line).toBe('PUT m1/reactions/👍')
  })

  it('it goes at once when the network is back', async () => {
    want(like())
    ;(await request(0)).cut()
    await soon(() => expect(useWishes().of('m1')[0]?.attempts).toBe(1))
    await soon(() => {
      useWishes().retryAll()
      expect(requests).toHaveLength(2)
    })
  })

  it('it asks first when a day has passed', async () => {
    want(like())
    ;(await request(0)).cut()
    await onDisk(1)
    vi.setSystemTime(Date.now() + 25 * 3_600_000)
    openSession(session())
    await reload()
    await soon(() => expect(useWishes().of('m1')[0]?.failure?.code).toBe('stale'))
    expect([reactions(), requests.length, useWishes().unsent]).toEqual([[], 1, 0])
    useWishes().retry(useWishes().of('m1')[0] as Wish)
    expect(reactions()).toEqual(['👍 ana'])
    expect((await request(1)).line).toBe('PUT m1/reactions/👍')
  })

  it('it is nobody else’s', async () => {
    want(like())
    ;(await request(0)).cut()
    await onDisk(1)
    useWishes().pause()
    useEntities().setMe(myself('ben'))
    await useWishes().restore()
    await useWishes().clear('ben')
    expect([useWishes().unsent, requests.length]).toEqual([0, 1])
    useEntities().setMe(myself('ana'))
    await useWishes().restore()
    expect((await request(1)).line).toBe('PUT m1/reactions/👍')
  })
})

describe('a text', () => {
  /** An edit was cut off, so what the server has now is asked for before it is sent again. */
  async function askedFirst(): Promise<void> {
    want(rewrite('mine'))
    ;(await request(0)).cut()
    await soon(() => expect(useWishes().of('m1')[0]?.attempts).toBe(1))
    await soon(() => {
      useWishes().retryAll()
      expect(requests).toHaveLength(2)
    })
  }

  it('that was changed elsewhere meanwhile is overwritten only when somebody says so', async () => {
    await askedFirst()
    ;(await request(1)).answer(200, { message: message(1, { author_id: 'ana', text: 'theirs', edited_at: TIME }) })
    await soon(() => expect(useWishes().of('m1')[0]).toMatchObject({ state: 'failed', wanted: 'mine', failure: { code: 'edited_elsewhere' } }))
    expect(shown().text).toBe('theirs')
    useWishes().retry(useWishes().of('m1')[0] as Wish)
    expect((await request(2)).line).toBe('PATCH m1 {"text":"mine"}')
  })

  it('that was refused asks the same before it is sent again', async () => {
    want(rewrite('mine'))
    ;(await request(0)).answer(403)
    await soon(() => expect(useWishes().of('m1')[0]).toMatchObject({ state: 'failed', failure: { code: 'muted' } }))
    useWishes().retry(useWishes().of('m1')[0] as Wish)
    const again = await request(1)
    expect(again.line).toBe('GET m1')
    again.answer(200, { message: message(1, { author_id: 'ana', text: 'theirs', edited_at: TIME }) })
    await soon(() => expect(useWishes().of('m1')[0]).toMatchObject({ state: 'failed', failure: { code: 'edited_elsewhere' } }))
    expect(requests).toHaveLength(2)
  })

  it('that the server has already is not sent again', async () => {
    await askedFirst()
    ;(await request(1)).answer(200, { message: message(1, { author_id: 'ana', text: 'mine', edited_at: TIME }) })
    await soon(() => expect(useWishes().of('m1')).toEqual([]))
    expect(requests).toHaveLength(2)
  })
})

it('waits for what was written before it', async () => {
  let held = true
  useWishes().holdWhile(() => held)
  want(like())
  await onDisk(1)
  expect(requests).toEqual([])
  held = false
  useWishes().wake('c')
  expect((await request(0)).line).toBe('PUT m1/reactions/👍')
})

it('is seen in another tab, which does not send it a second time', async () => {
  let last: Promise<unknown> = Promise.resolve()
  const locks = { request: (_: string, work: () => Promise<unknown>) => (last = last.then(work)) }
  Object.defineProperty(navigator, 'locks', { value: locks, configurable: true })
  await useWishes().restore()
  want(like())
  const sent = await request(0)
  const first = useWishes()
  begin()
  await useWishes().restore()
  expect(reactions()).toEqual(['👍 ana'])
  want(like(false), 1)
  await soon(() => expect(first.of('m2')).toHaveLength(1))
  sent.answer(200)
  await soon(() => expect([first.of('m1'), useWishes().of('m1')]).toEqual([[], []]))
  ;(await request(1)).answer(200)
  await soon(() => expect([first.unsent, useWishes().unsent]).toEqual([0, 0]))
  expect(requests.map(({ line }) => line)).toEqual(['PUT m1/reactions/👍', 'DELETE m2/reactions/👍'])
  first.pause()
  Reflect.deleteProperty(navigator, 'locks')
})
