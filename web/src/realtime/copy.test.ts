import 'fake-indexeddb/auto'

import { afterEach, expect, it } from 'vitest'

import type { Timeline } from '@/entities/timeline'
import * as fixtures from '@/testing/fixtures'

import type { History } from './copy'
import { CHANNELS, copy, MESSAGES } from './copy'
import { endOf } from './copying'

afterEach(() => copy.clear())

function history(channelId: string, savedAt: number, userId = 'ana'): History {
  return { userId, channelId, items: [fixtures.message(1)], hasBefore: false, knownSeq: 1, savedAt }
}

const person = (userId: string) => copy.keepPerson({ userId, me: fixtures.myself(userId), workspaces: [] })

it('what was kept is there again', async () => {
  await person('ana')
  await copy.keepHistories([history('c1', 1)])
  expect((await copy.person('ana'))?.me.id).toBe('ana')
  expect((await copy.history('ana', 'c1'))?.items).toHaveLength(1)
  expect(await copy.history('ben', 'c1')).toBeUndefined()
})

it('the channels that were open last are kept, and no more', async () => {
  await copy.keepHistories(Array.from({ length: CHANNELS }, (_, i) => history(`c${i}`, i)))
  await copy.keepHistories([history('c0', 1_000), history('new', 1_001)])
  expect(await copy.history('ana', 'c1')).toBeUndefined()
  expect(await copy.history('ana', 'c0')).toBeDefined()
  expect(await copy.history('ana', 'new')).toBeDefined()
})

it('nothing of one person stays when another logs in, and all of it when they come back themselves', async () => {
  await person('ana')
  await copy.keepHistories([history('c1', 1)])
  await copy.keepOnly('ana')
  expect(await copy.history('ana', 'c1')).toBeDefined()
  await copy.keepOnly('ben')
  expect(await copy.history('ana', 'c1')).toBeUndefined()
  expect(await copy.person('ana')).toBeUndefined()
})

it('of a channel its end is kept, and nothing while that is not at hand', () => {
  const items = Array.from({ length: MESSAGES + 1 }, (_, i) => fixtures.message(i + 1))
  const timeline: Timeline = { items, hasBefore: false, hasAfter: false }
  expect(endOf(timeline)).toEqual({ items: items.slice(1), hasBefore: true })
  expect(endOf({ ...timeline, hasAfter: true })).toBeNull()
  expect(endOf({ ...timeline, items: [] })).toBeNull()
})
