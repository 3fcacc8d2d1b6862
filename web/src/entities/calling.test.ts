import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import { channel, myself, session } from '@/testing/fixtures'

import { useCalling } from './calling'
import { useEntities } from './store'

let counted: () => Promise<Response>

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  counted = () => Promise.resolve(Response.json({ people: 7, time_zones: 3, quiet_until: null }))
  vi.stubGlobal('fetch', () => counted())
  setActivePinia(createPinia())
  openSession(session())
  useEntities().setMe(myself('ana'))
  useEntities().setChannel(channel('c'), { joined: true, memberCount: 9 })
  useEntities().setChannel(channel('few'), { joined: true, memberCount: 5 })
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  closeSession()
})

type Call = Parameters<ReturnType<typeof useCalling>['agreed']>[0]

const agreed = (place: string, text: string, more: Partial<Call> = {}) => useCalling().agreed({ place, text, deed: 'send', ...more })

async function asked() {
  const calling = useCalling()
  await vi.waitFor(() => expect(calling.asking).not.toBeNull())
  return calling.asking
}

it.each([true, false])('asks before many are called, with how many they are and where: %s', async (yes) => {
  const answer = agreed('c', 'all of you @channel', { deed: 'schedule' })
  const question = await asked()
  expect(question).toMatchObject({ audience: 'channel', people: 7, timeZones: 3, deed: 'schedule' })
  question?.answer(yes)
  expect([await answer, useCalling().asking]).toEqual([yes, null])
})

it.each<[string, string, string, Partial<Call>]>([
  ['nobody is called', 'c', 'hello', {}],
  ['they are few', 'few', '@channel', {}],
  ['it goes to who follows the thread anyway', 'c/m1', '@channel', {}],
  ['they were called by what it said before', 'c', '@channel now', { former: '@channel' }],
  ['fewer are called than before', 'c', '@here', { former: '@channel' }],
  ['they are called no more', 'c', 'never mind', { former: '@here' }],
])('asks nothing when %s', async (_, place, text, more) => {
  expect([await agreed(place, text, more), useCalling().asking]).toEqual([true, null])
})

it.each<[string, string, string, Partial<Call>, string]>([
  ['for a reply that the channel shows', 'c/m1', '@here', { alsoInChannel: true }, 'here'],
  ['when an edit calls them', 'c', 'lunch, @here', { former: 'lunch' }, 'here'],
  ['when an edit calls more of them', 'c', '@channel', { former: '@here' }, 'channel'],
])('asks %s', async (_, place, text, more, audience) => {
  void agreed(place, text, more)
  expect(await asked()).toMatchObject({ audience, people: 7 })
})

it('asks with what is known here when the server does not say', async () => {
  counted = () => Promise.reject(new TypeError('network'))
  void agreed('c', '@channel')
  expect(await asked()).toMatchObject({ people: 8, timeZones: 0 })
})

it('asks one question at a time, and waits for no number for long', async () => {
  counted = () => new Promise(() => undefined)
  void agreed('c', '@channel')
  expect(await agreed('c', '@channel')).toBe(false)
  await vi.advanceTimersByTimeAsync(500)
  expect(useCalling().asking).toMatchObject({ people: 8, timeZones: 0 })
  expect(await agreed('c', '@channel')).toBe(false)
})

it('is answered by going away, before it is asked and after', async () => {
  const calling = useCalling()
  const early = agreed('c', '@channel')
  calling.drop()
  expect(await early).toBe(false)
  const late = agreed('c', '@channel')
  await asked()
  calling.drop()
  expect([await late, calling.asking]).toEqual([false, null])
})
