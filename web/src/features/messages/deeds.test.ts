import { describe, expect, it } from 'vitest'

import { message, TIME } from '@/testing/fixtures'

import type { Circumstances, Deed } from './deeds'
import { deedsOf } from './deeds'

const here: Circumstances = {
  me: 'ana', saved: false, writable: true, threaded: true, countsReading: true, history: 'edits', mayPin: true, mayDelete: false,
}
const mine = message(1, { author_id: 'ana' })
const theirs = message(2)

function can(deed: Deed, about: typeof mine, change: Partial<Circumstances> = {}): boolean {
  return deedsOf(about, { ...here, ...change }).flat().includes(deed)
}

describe('what can be done', () => {
  it('one edits and deletes what is one\'s own, and reports what is not', () => {
    expect([can('edit', mine), can('delete', mine), can('report', mine)]).toEqual([true, true, false])
    expect([can('edit', theirs), can('delete', theirs), can('report', theirs)]).toEqual([false, false, true])
  })

  it('who may deletes for others, and edits nothing of theirs', () => {
    expect([can('delete', theirs, { mayDelete: true }), can('edit', theirs, { mayDelete: true })]).toEqual([true, false])
  })

  it('an archived conversation is only read', () => {
    const left = deedsOf(mine, { ...here, writable: false }).flat()
    expect(left).toEqual(['thread', 'forward', 'copyText', 'copyLink', 'save', 'remind', 'markUnread'])
  })

  it('what is forwarded is not edited: the words are somebody else\'s', () => {
    const forwarded = { message_id: 'm', channel_id: 'c', ch_seq: 1, author_id: 'ben', created_at: TIME }
    expect(can('edit', { ...mine, forwarded })).toBe(false)
  })

  it('a history is there when it was edited and the workspace keeps it', () => {
    const edited = { ...theirs, edited_at: TIME }
    expect([can('history', theirs), can('history', edited), can('history', edited, { history: 'off' })]).toEqual([
      false, true, false,
    ])
  })

  it('of a deleted message little is left', () => {
    const deleted = { ...mine, deleted_at: TIME }
    expect(deedsOf(deleted, here).flat()).toEqual(['thread', 'copyLink', 'markUnread'])
    expect(deedsOf(deleted, { ...here, saved: true, history: 'all' }).flat()).toEqual([
      'thread', 'copyLink', 'save', 'markUnread', 'history',
    ])
  })
})
