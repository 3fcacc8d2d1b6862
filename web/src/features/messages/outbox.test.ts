import 'fake-indexeddb/auto'

import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import { useEntities } from '@/entities/store'
import { EMPTY } from '@/entities/timeline'
import { NamedLocks } from '@/testing/browser'
import { message, myself, session } from '@/testing/fixtures'

import { useOutbox } from './outbox'
import { outboxStorage } from './outboxStorage'

interface Post {
  channel: string
  text: string
  client_msg_id: string
  thread_id: string | null
  also_in_channel: boolean
}

/** What the server answers to each POST, in turn; the last one repeats. */
let answers: (number | 'cut' | 'slow' | 'never')[]
let posts: Post[]
let seq = 0

function answer(post: Post): Response | Promise<Response> {
  const next = answers.length > 1 ? answers.shift() : answers[0]
  if (next === 'never') return new Promise(() => undefined)
  if (next === 'cut') throw new TypeError('network')
  if (next === 'slow') return Response.json({ code: 'slow_mode' }, { status: 429, headers: { 'Retry-After': '21600' } })
  if (next !== 201 && next !== 200) {
    return Response.json({ code: 'nope', detail: 'No.', request_id: 'r1' }, { status: next ?? 500 })
  }
  const sent = message(++seq, {
    id: `m-${post.client_msg_id}`, channel_id: post.channel, author_id: 'ana', text: post.text,
    created_at: new Date().toISOString(), client_msg_id: post.client_msg_id,
  })
  return Response.json({ message: sent }, { status: next })
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  answers = [201]
  posts = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as Omit<Post, 'channel'>
    const post = { channel: url.split('/').at(-2) ?? '', ...body }
    posts.push(post)
    return Promise.resolve().then(() => answer(post))
  })
  setActivePinia(createPinia())
  openSession(session())
  useEntities().setMe(myself('ana'))
  useEntities().timelines.set('c1', EMPTY)
})

afterEach(async () => {
  await useOutbox().clear('ana')
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  closeSession()
})

const texts = () => posts.map((post) => post.text)
const settled = (check: () => void) => vi.waitFor(check, { timeout: 4_500, interval: 5 })

describe('the outbox', () => {
  it('shows a message at once and puts the answer in its place', async () => {
    const outbox = useOutbox()
    outbox.send('c1', 'hello')
    expect(outbox.queue('c1').map((item) => item.text)).toEqual(['hello'])
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(useEntities().timelines.get('c1')?.items.map((item) => item.text)).toEqual(['hello'])
    expect(await outboxStorage.all('ana')).toEqual([])
  })

  it('promises to send what the disk has', async () => {
    answers = ['never']
    let free: () => void = () => undefined
    const busy = new Promise<void>((resolve) => (free = resolve))
    const put = outboxStorage.put.bind(outboxStorage)
    vi.spyOn(outboxStorage, 'put').mockImplementationOnce((pending) => busy.then(() => put(pending)))
    const outbox = useOutbox()
    outbox.send('c1', 'hello')
    expect([outbox.unsent, outbox.waiting]).toEqual([1, 0])
    free()
    await settled(() => expect(outbox.waiting).toBe(1))
  })

  it('leaves on disk what failed just as the session ended', async () => {
    answers = ['cut']
    const outbox = useOutbox()
    outbox.send('c1', 'hello')
    await settled(() => expect(posts).toHaveLength(1))
    const put = outboxStorage.put.bind(outboxStorage)
    vi.spyOn(outboxStorage, 'put').mockImplementationOnce(async (pending) => {
      const kept = await put(pending)
      outbox.pause()
      useEntities().clear()
      return kept
    })
    const remove = vi.spyOn(outboxStorage, 'remove')
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    await new Promise((resolve) => setImmediate(resolve))
    expect(remove).not.toHaveBeenCalled()
    expect((await outboxStorage.all('ana')).map(({ text }) => text)).toEqual(['hello'])
  })

  it('keeps the order of a channel and has one message in flight', async () => {
    const outbox = useOutbox()
    for (const text of ['one', 'two', 'three']) outbox.send('c1', text)
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(texts()).toEqual(['one', 'two', 'three'])
  })

  it('tries again after a cut with the same id, and nothing overtakes it', async () => {
    answers = ['cut', 503, 201]
    const outbox = useOutbox()
    outbox.send('c1', 'one')
    outbox.send('c1', 'two')
    await settled(() => expect(posts).toHaveLength(1))
    await settled(() => expect(outbox.queue('c1')[0]).toMatchObject({ state: 'queued', attempts: 1 }))
    // It waits from when the disk has it, which no clock of this test tells.
    await settled(() => {
      vi.advanceTimersByTime(500)
      expect(outbox.queue('c1')).toEqual([])
    })
    expect(texts()).toEqual(['one', 'one', 'one', 'two'])
    expect(new Set(posts.slice(0, 3).map((post) => post.client_msg_id)).size).toBe(1)
  })

  it('lets a refused message stand with its reason and sends the next one', async () => {
    answers = [403, 201]
    const outbox = useOutbox()
    outbox.send('c1', 'forbidden')
    outbox.send('c1', 'fine')
    await settled(() => expect(outbox.queue('c1')).toHaveLength(1))
    expect(outbox.queue('c1')[0]).toMatchObject({ text: 'forbidden', state: 'failed', failure: { code: 'nope' } })
    expect(texts()).toEqual(['forbidden', 'fine'])
  })

  it('sends a failed message again under the same id', async () => {
    answers = [403, 201]
    const outbox = useOutbox()
    outbox.send('c1', 'again')
    await settled(() => expect(outbox.queue('c1')[0]?.state).toBe('failed'))
    const failed = outbox.queue('c1')[0]
    if (failed !== undefined) outbox.retry(failed)
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(posts[0]?.client_msg_id).toBe(posts[1]?.client_msg_id)
  })

  it('survives a reload', async () => {
    answers = ['cut']
    useOutbox().send('c1', 'before the reload')
    await settled(() => expect(useOutbox().queue('c1')[0]?.attempts).toBe(1))
    await settled(async () => expect(await outboxStorage.all('ana')).toHaveLength(1))
    useOutbox().pause()
    const id = posts[0]?.client_msg_id

    setActivePinia(createPinia())
    useEntities().me = { id: 'ana' } as never
    answers = [200]
    await useOutbox().restore()
    await settled(() => expect(useOutbox().queue('c1')).toEqual([]))
    expect(posts.at(-1)).toMatchObject({ channel: 'c1', text: 'before the reload', client_msg_id: id, thread_id: null })
  })

  it('leaves another person’s messages alone', async () => {
    answers = ['cut']
    useOutbox().send('c1', 'mine')
    await settled(async () => expect(await outboxStorage.all('ana')).toHaveLength(1))
    expect(await outboxStorage.all('ben')).toEqual([])
  })

  it('drops a row that another tab has sent', async () => {
    answers = ['cut', 201]
    const outbox = useOutbox()
    outbox.send('c1', 'sent elsewhere')
    await settled(() => expect(outbox.queue('c1')[0]?.attempts).toBe(1))
    await outboxStorage.remove(outbox.queue('c1')[0]?.id ?? '')
    await vi.advanceTimersByTimeAsync(1_000)
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(posts).toHaveLength(1)
  })

  it('shows in another tab what waits here, and that it waits no more', async () => {
    answers = ['cut']
    const here = useOutbox()
    await here.restore()
    here.send('c1', 'on its way')
    await settled(() => expect(here.queue('c1')[0]?.attempts).toBe(1))
    setActivePinia(createPinia())
    useEntities().setMe(myself('ana'))
    const there = useOutbox()
    await there.restore()
    expect(there.queue('c1').map((item) => item.text)).toEqual(['on its way'])
    answers = [201]
    await settled(() => {
      here.retryAll()
      expect([here.queue('c1'), there.queue('c1')]).toEqual([[], []])
    })
    here.pause()
  })

  describe('with a browser that has locks', () => {
    const browser = new NamedLocks()
    const sit = ({ locks }: { locks: LockManager }) => Object.defineProperty(navigator, 'locks', { value: locks, configurable: true })

    afterEach(() => void Reflect.deleteProperty(navigator, 'locks'))

    it('sends what a closed tab has left, in order and each once', async () => {
      const [closed, open] = [browser.tab(), browser.tab()]
      sit(open)
      const there = useOutbox()
      await there.restore()
      sit(closed)
      setActivePinia(createPinia())
      useEntities().setMe(myself('ana'))
      const here = useOutbox()
      await here.restore()
      answers = ['never', 201]
      here.send('c1', 'one')
      here.send('c1', 'two')
      await settled(() => expect(posts).toHaveLength(1))
      await settled(() => expect(there.queue('c1').map(({ text }) => text)).toEqual(['one', 'two']))
      expect(posts).toHaveLength(1)
      sit(open)
      closed.close()
      await settled(() => expect(there.queue('c1')).toEqual([]))
      expect(texts()).toEqual(['one', 'one', 'two'])
      expect(posts[0]?.client_msg_id).toBe(posts[1]?.client_msg_id)
      there.pause()
      here.pause()
    })
  })

  it('waits in a slow channel for its turn, and no longer when the channel is slow no more', async () => {
    answers = ['slow', 201]
    const outbox = useOutbox()
    outbox.send('c1', 'in its time')
    await settled(() => expect(outbox.queue('c1')[0]?.slowUntil).toBeGreaterThan(Date.now() + 21_000_000))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(posts).toHaveLength(1)
    // It waits from when the disk has it, which no clock of this test tells.
    await settled(() => {
      outbox.wake('c1')
      expect(outbox.queue('c1')).toEqual([])
    })
    expect(posts).toHaveLength(2)
  })

  it('asks before it goes when a day passes without an answer, and goes when its author says so', async () => {
    answers = ['cut']
    const outbox = useOutbox()
    outbox.send('c1', 'news of yesterday')
    await settled(() => expect(posts.length).toBeGreaterThan(0))
    vi.setSystemTime(Date.now() + 25 * 3_600_000)
    openSession(session())
    await settled(() => {
      outbox.retryAll()
      expect(outbox.queue('c1')[0]?.failure?.code).toBe('stale')
    })
    answers = [201]
    const [stale] = outbox.queue('c1')
    if (stale !== undefined) outbox.retry(stale)
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
  })

  it('is not held up by what was deleted in a slow channel', async () => {
    answers = ['slow', 201]
    const outbox = useOutbox()
    outbox.send('c1', 'thought better of')
    await settled(() => expect(outbox.queue('c1')[0]?.slowUntil).toBeDefined())
    const waiting = outbox.queue('c1')[0]
    if (waiting !== undefined) await outbox.remove(waiting)
    outbox.send('c1', 'instead')
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(texts()).toEqual(['thought better of', 'instead'])
  })

  it('sends what the disk refuses to keep', async () => {
    answers = ['cut', 201]
    vi.spyOn(outboxStorage, 'put').mockRejectedValue(new DOMException('full', 'QuotaExceededError'))
    const outbox = useOutbox()
    outbox.send('c1', 'only in memory')
    await settled(() => expect(outbox.queue('c1')[0]?.attempts).toBe(1))
    outbox.retryAll()
    await settled(() => expect(outbox.queue('c1')).toEqual([]))
    expect(texts()).toEqual(['only in memory', 'only in memory'])
  })
})

describe('a reply', () => {
  it('waits in its thread, and not behind what its channel cannot send', async () => {
    answers = ['cut', 201]
    const outbox = useOutbox()
    outbox.send('c1', 'later')
    await settled(() => expect(outbox.queue('c1')[0]).toMatchObject({ state: 'queued', attempts: 1 }))
    outbox.send('c1/m1', 'now', { alsoInChannel: true })
    expect([outbox.queue('c1'), outbox.queue('c1/m1')].map((items) => items.map((item) => item.text))).toEqual([
      ['later'], ['now'],
    ])
    await settled(() => expect(outbox.queue('c1/m1')).toEqual([]))
    expect(outbox.queue('c1')).toHaveLength(1)
    expect(posts.at(-1)).toMatchObject({ channel: 'c1', text: 'now', thread_id: 'm1', also_in_channel: true })
  })

  it('is found again in its thread after a reload', async () => {
    answers = [403]
    useOutbox().send('c1/m1', 'kept')
    await settled(() => expect(useOutbox().queue('c1/m1')[0]?.state).toBe('failed'))
    setActivePinia(createPinia())
    useEntities().setMe(myself('ana'))
    await useOutbox().restore()
    expect(useOutbox().queue('c1/m1').map((item) => item.text)).toEqual(['kept'])
    expect(useOutbox().queue('c1')).toEqual([])
  })
})
