import { describe, expect, it } from 'vitest'

import type { Message } from '@/api/types'
import * as fixtures from '@/testing/fixtures'

import type { Timeline } from './timeline'
import {
  EMPTY, LOADED, mergeMessages, trimmedToEnd, WINDOW, windowOf, withChange, withLatest, withMessage, withNewer, withOlder, withPatch,
} from './timeline'

function message(seq: number, text = ''): Message {
  return fixtures.message(seq, { text })
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => message(from + i))
const seqs = (timeline: Timeline) => timeline.items.map((item) => item.ch_seq)
const page = (items: Message[], before = false, after = false) => ({ items, has_before: before, has_after: after })

describe('merging messages', () => {
  it('keeps the order of ch_seq whatever the order of arrival', () => {
    const arrivals = [5, 2, 9, 1, 7].map((seq) => message(seq))
    const merged = arrivals.reduce<readonly Message[]>((list, item) => mergeMessages(list, [item]), [])
    expect(merged.map((item) => item.ch_seq)).toEqual([1, 2, 5, 7, 9])
  })

  it('holds each message once and lets the later version win', () => {
    const merged = mergeMessages([message(1, 'old'), message(2)], [message(1, 'new')])
    expect(merged.map((item) => item.text)).toEqual(['new', ''])
  })
})

describe('the newest page', () => {
  it('is joined with what came live while it was loading', () => {
    const live = withMessage(EMPTY, message(12))
    const timeline = withLatest(live, page(range(8, 11), true))
    expect(seqs(timeline)).toEqual([8, 9, 10, 11, 12])
    expect(timeline).toMatchObject({ hasBefore: true, hasAfter: false })
  })
})

it('the newest page takes the place of an older copy', () => {
  const copied = { items: range(1, 9), hasBefore: false, hasAfter: false }
  expect(seqs(withLatest(withMessage(copied, message(12)), page([message(9, 'x'), ...range(10, 11)], true)))).toEqual([9, 10, 11, 12])
})

describe('paging', () => {
  it('adds older messages in front', () => {
    const timeline = withOlder(withLatest(EMPTY, page(range(51, 100), true)), page(range(1, 50)))
    expect(seqs(timeline)).toEqual(range(1, 100).map((item) => item.ch_seq))
    expect(timeline.hasBefore).toBe(false)
  })

  it('drops the newest beyond what is kept when going up, and says that more follows', () => {
    const start = withLatest(EMPTY, page(range(101, 100 + LOADED), true))
    const timeline = withOlder(start, page(range(51, 100), true))
    expect(timeline.items).toHaveLength(LOADED)
    expect(seqs(timeline).at(0)).toBe(51)
    expect(timeline.hasAfter).toBe(true)
  })

  it('drops the oldest beyond what is kept when going down', () => {
    const start = windowOf(page(range(1, LOADED), false, true))
    const timeline = withNewer(start, page(range(LOADED + 1, LOADED + 50)))
    expect(timeline.items).toHaveLength(LOADED)
    expect(timeline).toMatchObject({ hasBefore: true, hasAfter: false })
  })
})

describe('a live message', () => {
  it('goes to the end', () => {
    expect(seqs(withMessage(withLatest(EMPTY, page(range(1, 2))), message(3)))).toEqual([1, 2, 3])
  })

  it('goes between its neighbours when it comes late', () => {
    const timeline = withLatest(EMPTY, page([message(1), message(3)]))
    expect(seqs(withMessage(timeline, message(2)))).toEqual([1, 2, 3])
  })

  it('replaces its earlier version where it stands', () => {
    const timeline = withMessage(withLatest(EMPTY, page(range(1, 3))), message(2, 'edited'))
    expect(timeline.items[1]?.text).toBe('edited')
    expect(timeline.items).toHaveLength(3)
  })

  it('is left out while the window does not reach the end', () => {
    const timeline = windowOf(page(range(1, 3), false, true))
    expect(withMessage(timeline, message(90))).toBe(timeline)
  })

  it('is left out when it is older than the window', () => {
    const timeline = withLatest(EMPTY, page(range(10, 12), true))
    expect(withMessage(timeline, message(4))).toBe(timeline)
  })
})

describe('an edit or a deletion', () => {
  const start = withLatest(EMPTY, page(range(1, 3)))
  const edited = (at: string, text: string): Message => ({ ...message(2), text, edited_at: at })
  const deleted: Message = { ...message(2), deleted_at: '2026-11-21T06:00:00.000Z' }

  it('changes the message where it stands', () => {
    const timeline = withChange(start, edited('2026-11-21T05:00:00.000Z', 'better'))
    expect(timeline.items.map((item) => item.text)).toEqual(['', 'better', ''])
  })

  it('never adds a message', () => expect(withChange(start, message(4, 'x'))).toBe(start))

  it('is not undone by an older copy, from an event or from a page', () => {
    const late = edited('2026-11-21T05:00:02.000Z', 'second')
    const timeline = withChange(start, late)
    expect(withChange(timeline, edited('2026-11-21T05:00:01.000Z', 'first'))).toBe(timeline)
    expect(withMessage(timeline, message(2, 'original')).items[1]).toBe(late)
    expect(mergeMessages(timeline.items, [message(2, 'original')])[1]).toBe(late)
  })

  it('a deleted message stays deleted', () => {
    const timeline = withChange(start, deleted)
    expect(withChange(timeline, edited('2026-11-21T07:00:00.000Z', 'too late'))).toBe(timeline)
    expect(mergeMessages(timeline.items, [message(2, 'back')])[1]).toBe(deleted)
  })
})

it('a long day at the end keeps only the window', () => {
  const timeline = trimmedToEnd(withLatest(EMPTY, page(range(1, WINDOW + 7))))
  expect(seqs(timeline).at(0)).toBe(8)
  expect(timeline.hasBefore).toBe(true)
})

it('what is otherwise than its text is changed where the message stands, and only there', () => {
  const start = withLatest(EMPTY, page(range(1, 2)))
  const reactions = [{ emoji: '👍', user_ids: ['ana'] }]
  expect(withPatch(start, 'm2', { reactions }).items.map((item) => item.reactions)).toEqual([[], reactions])
  expect(withPatch(start, 'm9', { reactions })).toBe(start)
})
