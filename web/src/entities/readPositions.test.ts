/** Cursors between this page and the server: what is read here, what the server says, and what another device says meanwhile. */
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { openSession } from '@/api/session'
import type { Envelope } from '@/api/events'
import type { Message } from '@/api/types'
import { channel, message, myself, session, TIME } from '@/testing/fixtures'

import { advance, applyEvent } from './apply'
import { useReadPositions } from './readPositions'
import { useEntities } from './store'
import { cursorAt } from './unread'

let sent: string[]
let answers: (() => Response)[]

const base = { id: 'e', v: 1, workspace_id: 'w', channel_id: 'c', actor_id: 'ben', time: TIME }
function tell(event: Partial<Envelope>): void {
  const whole = { ...base, ch_seq: null, ...event } as Envelope
  applyEvent(useEntities(), whole)
  advance(useEntities(), whole)
}
const came = (seq: number, patch: Partial<Message> = {}) =>
  tell({ type: 'message.created', ch_seq: seq, data: { message: message(seq, patch) } } as Partial<Envelope>)
const said = (seq: number, unread: number, mentions = 0, thread: string | null = null) =>
  tell({ type: 'read.updated', data: { channel_id: 'c', thread_id: thread, read_seq: seq, unread, mentions } })
const followed = (following: boolean) =>
  tell({ type: 'thread.followed', data: { channel_id: 'c', thread_id: 'm1', following } })
const numbers = (place = 'c') => {
  const cursor = useEntities().cursorOf(place)
  return cursor === null ? null : [cursor.readSeq, cursor.unread, cursor.mentions]
}

beforeEach(() => {
  vi.useFakeTimers()
  setActivePinia(createPinia())
  sent = []
  answers = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const body = JSON.parse(String(init.body)) as { seq: number; exact: boolean }
    sent.push(`${url.replace('/api/v1', '')} ${body.seq}${body.exact ? ' exactly' : ''}${init.keepalive ? ', leaving' : ''}`)
    return Promise.resolve(answers.shift()?.() ?? Response.json({}))
  })
  openSession(session())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.setChannel(channel('c', 4), { joined: true, ...cursorAt(4) })
  store.timelines.set('c', { items: [message(4)], hasBefore: false, hasAfter: false })
  for (const seq of [5, 6, 7]) came(seq)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('what was read', () => {
  it('is read here at once, and told to the server a little later, together', async () => {
    const positions = useReadPositions()
    expect(numbers()).toEqual([4, 3, 0])
    positions.read('c', 5)
    expect(numbers()).toEqual([5, 2, 0])
    await vi.advanceTimersByTimeAsync(1_000)
    positions.read('c', 7)
    expect([numbers(), sent]).toEqual([[7, 0, 0], []])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(sent).toEqual(['/channels/c/read 7'])
    positions.read('c', 6)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([numbers(), sent]).toEqual([[7, 0, 0], ['/channels/c/read 7']])
  })

  it('is told before the page may be gone', () => {
    useReadPositions().read('c', 6)
    dispatchEvent(new Event('pagehide'))
    return vi.waitFor(() => expect(sent).toEqual(['/channels/c/read 6, leaving']))
  })

  it('is told again until the server has heard it, and not when it will not hear', async () => {
    answers = [() => new Response(null, { status: 503 })]
    useReadPositions().read('c', 6)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(sent).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(sent).toEqual(['/channels/c/read 6', '/channels/c/read 6'])
    answers = [() => new Response(null, { status: 403 })]
    useReadPositions().read('c', 7)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent).toHaveLength(3)
  })

  it('is not undone by what the server says of before', async () => {
    useReadPositions().read('c', 6)
    said(5, 2)
    expect(numbers()).toEqual([6, 1, 0])
    await vi.advanceTimersByTimeAsync(2_000)
    said(6, 1)
    expect(numbers()).toEqual([6, 1, 0])
  })
})

describe('another device', () => {
  it('reads on, and back: then looking at it reads nothing', () => {
    const store = useEntities()
    said(7, 0)
    expect(numbers()).toEqual([7, 0, 0])
    said(5, 2, 1)
    expect([numbers(), store.held.has('c')]).toEqual([[5, 2, 1], true])
    useReadPositions().read('c', 7)
    expect(numbers()).toEqual([5, 2, 1])
    said(7, 0)
    expect(store.held.has('c')).toBe(false)
  })

  it('sets wishes for a channel', () => {
    tell({ type: 'preferences.updated', data: { channel_id: 'c', preferences: { level: 'none', muted: true, section: null } } })
    expect(useEntities().channels.get('c')?.preferences).toMatchObject({ level: 'none', muted: true })
  })
})

describe('unread from here', () => {
  it('holds until it is said to be read', async () => {
    const positions = useReadPositions()
    positions.readToEnd('c')
    await vi.advanceTimersByTimeAsync(0)
    positions.unreadFrom(message(6))
    expect(numbers()).toEqual([5, 2, 0])
    positions.read('c', 7)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(sent).toEqual(['/channels/c/read 7', '/channels/c/read 5 exactly'])
    positions.readToEnd('c')
    expect([numbers(), useEntities().held.size]).toEqual([[7, 0, 0], 0])
  })
})

it('what the server has not heard of is known to the page that is loaded next, and to nobody else', async () => {
  answers = [() => Response.json({}, { status: 503 })]
  useReadPositions().read('c', 6)
  await vi.advanceTimersByTimeAsync(2_000)
  const before = sent.length
  setActivePinia(createPinia())
  const store = useEntities()
  store.setMe(myself('ben'))
  store.setChannel(channel('c', 7), { joined: true, ...cursorAt(4), unread: 3, countedSeq: 7 })
  useReadPositions().restore()
  expect(numbers()?.[0]).toBe(4)
  store.setMe(myself('ana'))
  openSession(session())
  useReadPositions().restore()
  expect(numbers()?.[0]).toBe(6)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(sent.slice(before)).toEqual(['/channels/c/read 6'])
  expect(Object.keys(localStorage)).toEqual([])
})

describe('a thread', () => {
  it('that I follow counts its replies, and leaves the channel as it was', () => {
    said(7, 0)
    came(8, { thread_id: 'm1' })
    expect(numbers('c/m1')).toBeNull()
    followed(true)
    came(9, { thread_id: 'm1', mentions: ['ana'] })
    expect([numbers('c/m1'), numbers()]).toEqual([[8, 1, 1], [7, 0, 0]])
    expect([...useEntities().answered]).toEqual(['c'])
    said(9, 0, 0, 'm1')
    expect([numbers('c/m1'), useEntities().answered.size]).toEqual([[9, 0, 0], 0])
  })

  it('that I follow no longer has no cursor to move', async () => {
    followed(true)
    came(8, { thread_id: 'm1' })
    useReadPositions().read('c/m1', 8)
    followed(false)
    await vi.advanceTimersByTimeAsync(5_000)
    expect([numbers('c/m1'), sent]).toEqual([null, []])
  })
})

it('a deleted message is unread no longer', () => {
  tell({ type: 'message.deleted', ch_seq: 8, data: { message: message(6, { deleted_at: TIME, text: '' }) } } as Partial<Envelope>)
  expect(numbers()).toEqual([4, 2, 0])
})
