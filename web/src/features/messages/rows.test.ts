import { describe, expect, it } from 'vitest'

import type { Message } from '@/api/types'
import * as fixtures from '@/testing/fixtures'

import type { Pending } from './delivery'
import type { Row } from './rows'
import { buildRows } from './rows'

const NOON = new Date(2026, 10, 20, 12).getTime()
const MINUTE = 60_000

function message(seq: number, author: string, time: number): Message {
  return fixtures.message(seq, { author_id: author, text: `text ${seq}`, created_at: new Date(time).toISOString() })
}

function pending(id: string, time: number): Pending {
  return {
    id, userId: 'ana', channelId: 'c', text: 'soon', createdAt: time, state: 'queued', attempts: 0, failure: null,
  }
}

function note(seq: number, author: string, time: number): Message {
  return { ...message(seq, author, time), system: fixtures.note('joined', { user_ids: [author], count: 1 }) }
}

const shape = (rows: Row[]) =>
  rows.map((row) => (row.kind === 'message' ? `${row.head ? 'HEAD' : 'more'} ${row.text}` : row.kind))

describe('rows of a conversation', () => {
  it('group what one person says within five minutes', () => {
    const rows = buildRows(
      [message(1, 'ana', NOON), message(2, 'ana', NOON + 4 * MINUTE), message(3, 'ana', NOON + 9 * MINUTE)],
      [],
    )
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'more text 2', 'HEAD text 3'])
  })

  it('begin a new group for another person', () => {
    const rows = buildRows([message(1, 'ana', NOON), message(2, 'ben', NOON + 1_000)], [])
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'HEAD text 2'])
  })

  it('set what a thread is about apart from the replies, sent and unsent', () => {
    const reply = { ...message(2, 'ana', NOON + 1_000), thread_id: 'm1' }
    const unsent = { ...pending('k9', NOON + 2_000), threadId: 'm1' }
    expect(shape(buildRows([message(1, 'ana', NOON), reply], [unsent]))).toEqual([
      'day', 'HEAD text 1', 'HEAD text 2', 'more soon',
    ])
  })

  it('have a key of their own, also where a day comes again behind what was taken over from elsewhere', () => {
    const rows = buildRows(
      [message(1, 'ana', NOON), message(2, 'ben', NOON - 3 * 24 * 60 * MINUTE), message(3, 'ana', NOON + MINUTE)],
      [],
    )
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'day', 'HEAD text 2', 'day', 'HEAD text 3'])
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length)
  })

  it('separate days, by the clock of the reader, even within five minutes', () => {
    const midnight = new Date(2026, 10, 21).getTime()
    const rows = buildRows([message(1, 'ana', midnight - MINUTE), message(2, 'ana', midnight + MINUTE)], [])
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'day', 'HEAD text 2'])
  })

  it('put unsent messages at the end', () => {
    const rows = buildRows([message(1, 'ana', NOON)], [pending('k9', NOON + 1_000)])
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'more soon'])
  })

  it('never show a message twice while its answer and its event cross', () => {
    const rows = buildRows([message(1, 'ana', NOON)], [pending('k1', NOON)])
    expect(shape(rows)).toEqual(['day', 'HEAD text 1'])
  })

  it('keep the key of a message when it is acknowledged', () => {
    const key = (rows: Row[]) => rows.find((row) => row.kind === 'message')?.key
    expect(key(buildRows([message(1, 'ana', NOON)], []))).toBe(key(buildRows([], [pending('k1', NOON)])))
  })

  it('draw the line above the first unread message of somebody else', () => {
    const rows = buildRows(
      [message(1, 'ben', NOON), message(2, 'ana', NOON + 1_000), message(3, 'ben', NOON + 2_000)],
      [], 1, 'ana',
    )
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'HEAD text 2', 'unread', 'HEAD text 3'])
  })

  it('end a group with what the channel says, which is never new', () => {
    const rows = buildRows(
      [message(1, 'ben', NOON), note(2, 'ben', NOON + 1_000), message(3, 'ben', NOON + 2_000)],
      [], 1, 'ana',
    )
    expect(shape(rows)).toEqual(['day', 'HEAD text 1', 'note', 'unread', 'HEAD text 3'])
    expect(shape(buildRows([note(2, 'ben', NOON)], [], 1, 'ana'))).toEqual(['day', 'note'])
  })

  it('leave out what the channel said and an admin deleted', () => {
    const deleted = { ...note(1, 'ben', NOON), deleted_at: new Date(NOON).toISOString() }
    expect(shape(buildRows([deleted, message(2, 'ana', NOON)], []))).toEqual(['day', 'HEAD text 2'])
  })
})
