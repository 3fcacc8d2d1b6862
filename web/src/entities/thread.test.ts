import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it } from 'vitest'

import type { Envelope } from '@/api/events'
import type { Message, ThreadSummary } from '@/api/types'
import { channel, message, myself, TIME } from '@/testing/fixtures'

import { applyEvent, applyMyReaction } from './apply'
import { channelOf, placeIn, threadOf } from './place'
import { useEntities } from './store'
import { inChannel, isAside, rootOf } from './thread'

const root = message(1, { author_id: 'eva' })
const reply = (seq: number, patch: Partial<Message> = {}) => message(seq, { thread_id: 'm1', ...patch })
const summary = (replies: number, seq: number): ThreadSummary => ({
  reply_count: replies, last_reply_seq: seq, last_reply_at: TIME, last_repliers: ['ben'],
})

function tell(type: 'message.created' | 'message.updated' | 'message.deleted', told: Message, thread: ThreadSummary | null) {
  const event: Envelope = {
    id: 'e', type, v: 1, workspace_id: 'w', channel_id: 'c', ch_seq: told.ch_seq, actor_id: 'ben', time: TIME,
    data: { message: told, thread },
  }
  applyEvent(useEntities(), event)
}

const seqs = (place: string) => useEntities().timelines.get(place)?.items.map((item) => item.ch_seq)
const summaries = () => ['c', 'c/m1'].map((place) => useEntities().timelines.get(place)?.items[0]?.thread?.reply_count ?? null)
const unread = () => useEntities().channels.get('c')?.unread !== 0

beforeEach(() => {
  localStorage.clear()
  setActivePinia(createPinia())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.setChannel(channel('c', 1), { joined: true, readSeq: 1 })
  for (const place of ['c', 'c/m1']) store.timelines.set(place, { items: [root], hasBefore: false, hasAfter: false })
})

it('a place names its channel, and its thread if it is one', () => {
  expect([placeIn('c', null), placeIn('c', 'm1')]).toEqual(['c', 'c/m1'])
  expect([channelOf('c/m1'), threadOf('c/m1'), threadOf('c')]).toEqual(['c', 'm1', null])
})

it('a channel shows the replies that were also sent to it, and no other', () => {
  const list = [root, reply(2), reply(3, { in_channel: true })]
  expect(inChannel(list).map((item) => item.ch_seq)).toEqual([1, 3])
  expect(list.map(isAside)).toEqual([false, true, false])
  expect(list.map(rootOf)).toEqual(['m1', 'm1', 'm1'])
})

describe('a reply', () => {
  it('goes into its thread, into no other, and stands under the first message everywhere', () => {
    useEntities().timelines.set('c/m9', { items: [], hasBefore: false, hasAfter: false })
    tell('message.created', reply(2), summary(1, 2))
    expect([seqs('c/m1'), seqs('c/m9'), summaries()]).toEqual([[1, 2], [], [1, 1]])
    tell('message.created', message(3), null)
    expect([seqs('c'), seqs('c/m1')]).toEqual([[1, 2, 3], [1, 2]])
  })

  it('leaves a channel that was read as it was, and one that was not too', () => {
    tell('message.created', reply(2), summary(1, 2))
    expect(unread()).toBe(false)
    tell('message.created', message(3), null)
    expect(unread()).toBe(true)
    tell('message.created', reply(4, { author_id: 'ana' }), summary(2, 4))
    expect(unread()).toBe(true)
  })

  it('makes a channel unread that it was also sent to', () => {
    tell('message.created', reply(2, { in_channel: true }), summary(1, 2))
    expect(unread()).toBe(true)
  })

  it('that is edited says nothing of the thread; one that is deleted says what is left, be it nothing', () => {
    tell('message.created', reply(2), summary(1, 2))
    tell('message.updated', reply(2, { text: 'better', edited_at: TIME }), null)
    expect(summaries()).toEqual([1, 1])
    expect(useEntities().timelines.get('c/m1')?.items[1]?.text).toBe('better')
    tell('message.deleted', reply(2, { text: '', deleted_at: TIME }), null)
    expect(summaries()).toEqual([null, null])
  })

  it('and a reaction are the same in the channel and in the thread', () => {
    applyMyReaction(useEntities(), root, '👍', true)
    const found = ['c', 'c/m1'].map((place) => useEntities().timelines.get(place)?.items[0]?.reactions)
    expect(found).toEqual([[{ emoji: '👍', user_ids: ['ana'] }], [{ emoji: '👍', user_ids: ['ana'] }]])
  })
})

it('a channel that is forgotten takes the histories of its threads along', () => {
  useEntities().timelines.set('d', { items: [], hasBefore: false, hasAfter: false })
  useEntities().forgetChannel('c')
  expect([...useEntities().timelines.keys()]).toEqual(['d'])
})
