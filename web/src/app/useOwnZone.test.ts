import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, nextTick } from 'vue'

import { openSession } from '@/api/session'
import { STORAGE_KEY, usePreferences } from '@/entities/preferences'
import { useEntities } from '@/entities/store'
import { myself, session } from '@/testing/fixtures'

import { useOwnZone } from './useOwnZone'

let told: unknown[]
let answer: number
let scope: ReturnType<typeof effectScope>

const settled = (zones: string[]) =>
  vi.waitFor(() => expect(told).toEqual(zones.map((zone) => ({ time_zone: zone }))))

beforeEach(() => {
  localStorage.removeItem(STORAGE_KEY)
  told = []
  answer = 200
  vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue({ timeZone: 'Asia/Tokyo' } as Intl.ResolvedDateTimeFormatOptions)
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const body = init.body === undefined ? {} : (JSON.parse(String(init.body)) as { time_zone?: string; preferences?: object })
    if (!url.endsWith('/presence')) return Promise.resolve(Response.json({ ...useEntities().me, ...body }))
    told.push(body)
    if (answer !== 200) return Promise.resolve(Response.json({ code: 'no' }, { status: answer }))
    return Promise.resolve(Response.json({ ...myself('ana').presence, time_zone: body.time_zone }))
  })
  setActivePinia(createPinia())
  openSession(session())
  scope = effectScope()
  scope.run(useOwnZone)
})

afterEach(() => {
  scope.stop()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

it('tells it once somebody is logged in, and follows what they choose', async () => {
  await nextTick()
  expect(told).toEqual([])
  useEntities().setMe(myself('ana'))
  await settled(['Asia/Tokyo'])
  await vi.waitFor(() => expect(useEntities().me?.presence.time_zone).toBe('Asia/Tokyo'))
  usePreferences().set('timeZone', 'Europe/Madrid')
  await settled(['Asia/Tokyo', 'Europe/Madrid'])
})

it('leaves me as what a disk can keep', async () => {
  useEntities().setMe(myself('ana'))
  await vi.waitFor(() => expect(useEntities().me?.presence.time_zone).toBe('Asia/Tokyo'))
  expect(structuredClone(useEntities().me)).toEqual(useEntities().me)
})

it('says nothing where it is known', async () => {
  useEntities().setMe(myself('ana', { presence: { ...myself('ana').presence, time_zone: 'Asia/Tokyo' } }))
  await nextTick()
  expect(told).toEqual([])
})

it('does not argue with another device', async () => {
  useEntities().setMe(myself('ana'))
  await settled(['Asia/Tokyo'])
  useEntities().setMe(myself('ana', { presence: { ...myself('ana').presence, time_zone: 'America/Bogota' } }))
  document.dispatchEvent(new Event('visibilitychange'))
  await nextTick()
  await settled(['Asia/Tokyo'])
})

it('tries again later when the server is away, and never what it refuses', async () => {
  answer = 503
  useEntities().setMe(myself('ana'))
  await settled(['Asia/Tokyo'])
  answer = 422
  await vi.waitFor(() => {
    document.dispatchEvent(new Event('visibilitychange'))
    expect(told).toHaveLength(2)
  })
  await nextTick()
  document.dispatchEvent(new Event('visibilitychange'))
  await settled(['Asia/Tokyo', 'Asia/Tokyo'])
})
