import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Draft } from '@/api/drafts'
import { drafts as api } from '@/api/drafts'
import type { Envelope } from '@/api/events'
import { networkProblem } from '@/api/problem'
import { channel, myself } from '@/testing/fixtures'

import { SAVE_AFTER_MS, useDrafts, WRITE_AFTER_MS } from './drafts'
import { useEntities } from './store'

vi.mock('@/api/drafts', () => ({ drafts: { page: vi.fn(), write: vi.fn() } }))

const at = (second: number): string => `2026-11-26T10:00:${String(second).padStart(2, '0')}.000Z`

function draft(text: string, second: number, threadId: string | null = null): Draft {
  return { channel_id: 'c', thread_id: threadId, text, updated_at: at(second) }
}

function told(value: Draft | null, second: number): Envelope {
  return {
    id: `e${second}`, type: 'draft.updated', v: 1, workspace_id: 'w', channel_id: 'c', ch_seq: null, actor_id: 'ana', time: at(second),
    data: { channel_id: 'c', thread_id: null, draft: value },
  }
}

function begin() {
  setActivePinia(createPinia())
  useEntities().setMe(myself('ana'))
  useEntities().setChannel(channel('c'))
  const drafts = useDrafts()
  drafts.restore()
  return drafts
}

const write = vi.mocked(api.write)

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  write.mockReset()
  write.mockImplementation((_, { text }) => Promise.resolve({ draft: text === '' ? null : draft(text, 10) }))
  vi.mocked(api.page).mockResolvedValue({ items: [], next: null })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a draft', () => {
  it('is in this browser within half a second and at the server within two, however long somebody types on', async () => {
    const drafts = begin()
    for (let typed = 0; typed < 20; typed++) {
      drafts.set('c', `hi${'.'.repeat(typed)}`)
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(WRITE_AFTER_MS).toBeLessThan(500)
    expect(SAVE_AFTER_MS).toBeLessThan(2_000)
    expect(write).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS)
    expect(write).toHaveBeenLastCalledWith('c', { text: 'hi...................', thread_id: null })
    expect(localStorage.getItem('tertulia.draft.ana.c')).toContain('hi..')
    expect(begin().get('c')).toBe('hi...................')
  })

  it('of a thread is not the channel\'s', async () => {
    const drafts = begin()
    drafts.set('c/m', 'a reply')
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS)
    expect(write).toHaveBeenLastCalledWith('c', { text: 'a reply', thread_id: 'm' })
    expect(drafts.channels.size).toBe(0)
  })

  it('follows another device, but not under somebody\'s hands', () => {
    const drafts = begin()
    drafts.onEvent(told(draft('from afar', 1), 1))
    expect(drafts.get('c')).toBe('from afar')
    drafts.hold('c')
    drafts.onEvent(told(draft('from afar, more', 2), 2))
    expect(drafts.get('c')).toBe('from afar')
    drafts.release('c')
    expect(drafts.get('c')).toBe('from afar, more')
    drafts.onEvent(told(null, 3))
    expect(drafts.get('c')).toBe('')
  })

  it('is not changed by what comes before it has reached the server, nor by its own late echo', async () => {
    const drafts = begin()
    drafts.set('c', 'mine')
    drafts.onEvent(told(draft('other', 5), 5))
    expect(drafts.get('c')).toBe('mine')
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS)
    drafts.set('c', '')
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS)
    drafts.onEvent(told(draft('mine', 10), 10))
    expect(drafts.get('c')).toBe('')
  })

  it('waits for a way to the server, and is told then when it was written', async () => {
    const drafts = begin()
    write.mockRejectedValueOnce(networkProblem())
    drafts.set('c', 'offline')
    await vi.advanceTimersByTimeAsync(SAVE_AFTER_MS)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(write).toHaveBeenCalledTimes(2)
    expect(write.mock.lastCall?.[1]).toMatchObject({ text: 'offline' })
  })

  it('that another device dropped is gone with the next list; one that was not sent stays', async () => {
    const drafts = begin()
    drafts.onEvent(told(draft('old', 1), 1))
    drafts.set('c/m', 'unsent')
    await drafts.load('w')
    expect([drafts.get('c'), drafts.get('c/m')]).toEqual(['', 'unsent'])
  })

  it('outlives its session, and is nobody else\'s', () => {
    const drafts = begin()
    drafts.set('c', 'mine')
    drafts.pause()
    expect(drafts.get('c')).toBe('')
    useEntities().setMe(myself('ben'))
    drafts.restore()
    expect(drafts.get('c')).toBe('')
    drafts.pause()
    useEntities().setMe(myself('ana'))
    drafts.restore()
    expect(drafts.get('c')).toBe('mine')
    drafts.clear()
    expect(localStorage.length).toBe(0)
  })
})
