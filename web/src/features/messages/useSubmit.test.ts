import 'fake-indexeddb/auto'

import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import type { Place } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { channel, myself, session } from '@/testing/fixtures'

import { useOutbox } from './outbox'
import { useSubmit } from './useSubmit'

let counted: () => Promise<Response>
let sent: string[]
let done: string[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  sent = []
  done = []
  counted = () => Promise.resolve(Response.json({ people: 7, time_zones: 3, quiet_until: null }))
  vi.stubGlobal('fetch', () => counted())
  setActivePinia(createPinia())
  openSession(session())
  useEntities().setMe(myself('ana'))
  useEntities().setChannel(channel('c'), { joined: true, memberCount: 9 })
  useEntities().setChannel(channel('few'), { joined: true, memberCount: 5 })
  vi.spyOn(useOutbox(), 'send').mockImplementation((_, text) => void sent.push(text))
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
  closeSession()
})

function composer(place: Place, alsoInChannel = false) {
  const commands = { busy: false, isCommand: () => false } as never
  return useSubmit({ place, commands, alsoInChannel: () => alsoInChannel, done: (words) => done.push(words) })
}

it('asks before many are called, with how many they are and where', async () => {
  const { asking, submit } = composer('c')
  await submit('all of you @channel', 'all of you @channel')
  expect(asking.value).toMatchObject({ audience: 'channel', people: 7, timeZones: 3 })
  expect([sent, done]).toEqual([[], []])
  asking.value?.yes()
  expect([sent, done, asking.value]).toEqual([['all of you @channel'], ['all of you @channel'], null])
})

it.each<[string, Place, string, boolean]>([
  ['nobody is called', 'c', 'hello', false],
  ['they are few', 'few', '@channel', false],
  ['it goes to who follows the thread anyway', 'c/m1', '@channel', false],
])('sends at once when %s', async (_, place, text, alsoInChannel) => {
  const { asking, submit } = composer(place, alsoInChannel)
  await submit(text, text)
  expect([sent, asking.value]).toEqual([[text], null])
})

it('asks for a reply that the channel shows', async () => {
  const { asking, submit } = composer('c/m1', true)
  await submit('@here', '@here')
  expect(asking.value).toMatchObject({ audience: 'here', people: 7 })
})

it('asks with what is known here when the server does not say, and once', async () => {
  counted = () => Promise.reject(new TypeError('network'))
  const { asking, submit } = composer('c')
  await submit('@channel', '@channel')
  expect(asking.value).toMatchObject({ people: 8, timeZones: 0 })

  counted = () => new Promise(() => undefined)
  const slow = composer('c')
  const both = Promise.all([slow.submit('@channel', '@channel'), slow.submit('@channel', '@channel')])
  await vi.advanceTimersByTimeAsync(500)
  await both
  expect(slow.asking.value).toMatchObject({ people: 8, timeZones: 0 })
})
