import { describe, expect, it } from 'vitest'

import type { Message } from '@/api/types'
import { message, note, TIME } from '@/testing/fixtures'

import type { Timeline } from './timeline'
import type { Cursor, Reader } from './unread'
import { countsAt, cursorAt, MANY, shownCount, withArrival, withDeletion } from './unread'

const me: Reader = { me: 'ana', direct: false, thread: null }
const direct: Reader = { ...me, direct: true }
const inThread: Reader = { ...me, thread: 'm1' }

const numbers = ({ unread, mentions }: Cursor) => [unread, mentions]
const after = (...messages: Message[]) => messages.reduce((cursor, one) => withArrival(cursor, one, me), cursorAt(4))

describe('a message that arrives', () => {
  it('is one more unread, and a mention if it names me or all', () => {
    expect(numbers(after(message(5)))).toEqual([1, 0])
    expect(numbers(after(message(5, { mentions: ['ben', 'ana'] }), message(6, { audience: 'here' })))).toEqual([2, 2])
  })

  it('is a mention in a direct conversation', () => {
    expect(numbers(withArrival(cursorAt(4), message(5), direct))).toEqual([1, 1])
  })

  it('is nothing to who wrote it, who has read it, or when nobody wrote it', () => {
    expect(numbers(after(message(5, { author_id: 'ana' }), message(4), message(6, { system: note('joined') })))).toEqual([0, 0])
  })

  it('that the numbers hold already does not count again', () => {
    const counted = { ...cursorAt(4), countedSeq: 6, unread: 2 }
    expect(numbers(withArrival(counted, message(6), me))).toEqual([2, 0])
    expect(numbers(withArrival(counted, message(7), me))).toEqual([3, 0])
  })

  it('in a thread counts there, and in the channel if it was sent there too', () => {
    const reply = message(5, { thread_id: 'm1' })
    expect(numbers(after(reply))).toEqual([0, 0])
    expect(numbers(after({ ...reply, in_channel: true }))).toEqual([1, 0])
    expect(numbers(withArrival(cursorAt(4), reply, inThread))).toEqual([1, 0])
    expect(numbers(withArrival(cursorAt(4), message(5), inThread))).toEqual([0, 0])
  })

  it('is not counted beyond the number that means "or more"', () => {
    expect(numbers(withArrival({ ...cursorAt(4), unread: MANY }, message(5), me))).toEqual([MANY, 0])
  })
})

describe('a message that is deleted', () => {
  const two = { ...cursorAt(4), unread: 2, mentions: 1 }

  it('is one less, if it was unread', () => {
    expect(numbers(withDeletion(two, message(5, { deleted_at: TIME, mentions: ['ana'] }), 8, me))).toEqual([1, 0])
    expect(numbers(withDeletion(two, message(3, { deleted_at: TIME }), 8, me))).toEqual([2, 1])
    expect(numbers(withDeletion(two, message(5, { author_id: 'ana' }), 8, me))).toEqual([2, 1])
  })

  it('that the numbers leave out already is not taken off again', () => {
    expect(numbers(withDeletion({ ...two, countedSeq: 8 }, message(5, { deleted_at: TIME }), 8, me))).toEqual([2, 1])
  })
})

describe('moving a cursor', () => {
  const items = [message(2), message(5), message(6, { author_id: 'ana' }), message(7, { mentions: ['ana'] }), message(9)]
  const whole: Timeline = { items, hasBefore: false, hasAfter: false }
  const part: Timeline = { items, hasBefore: true, hasAfter: true }
  const cursor = { ...cursorAt(4), unread: 30, mentions: 3 }

  it('leaves what lies above it, where everything is loaded', () => {
    expect(countsAt(cursor, 5, whole, me)).toEqual({ unread: 2, mentions: 1 })
    expect(countsAt(cursor, 9, whole, me)).toEqual({ unread: 0, mentions: 0 })
    expect(countsAt(cursor, 1, whole, me)).toEqual({ unread: 4, mentions: 1 })
  })

  it('takes off what was read, or adds what is unread again, where more follows', () => {
    expect(countsAt(cursor, 7, part, me)).toEqual({ unread: 28, mentions: 2 })
    expect(countsAt(cursor, 1, part, me)).toEqual({ unread: 31, mentions: 3 })
  })
})

it('a number is shown as far as it is known', () => {
  expect([shownCount(12), shownCount(MANY)]).toEqual(['12', '999+'])
})
