import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createApp, h, nextTick, ref } from 'vue'

import { closeSession, openSession } from '@/api/session'
import { useEntities } from '@/entities/store'
import { i18n } from '@/locales/i18n'
import { channel, myself, person, session } from '@/testing/fixtures'
import { setTimeStyle } from '@/ui/time'

import QuietNotice from './QuietNotice.vue'

const NOW = Date.UTC(2026, 10, 24, 22)
let until: string | null
let asked: number
let app: ReturnType<typeof createApp>
const writing = ref(false)
const host = document.createElement('div')
const said = () => host.querySelector('[role=status]')?.textContent?.trim()

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: NOW })
  setTimeStyle({ locale: 'en-GB', timeZone: 'UTC' })
  asked = 0
  until = '2026-11-25T06:30:00Z'
  writing.value = false
  vi.stubGlobal('fetch', () => {
    asked += 1
    return Promise.resolve(Response.json({ people: 1, time_zones: 1, quiet_until: until }))
  })
  setActivePinia(createPinia())
  openSession(session({ expires_in: 10 * 86_400 }))
  const entities = useEntities()
  entities.setMe(myself('ana'))
  entities.setUser(person('ben', { display_name: 'Ben' }))
  entities.setChannel(channel('d', 0, { kind: 'dm', name: null, member_ids: ['ana', 'ben'] }), { joined: true })
})

afterEach(() => {
  app.unmount()
  vi.useRealTimers()
  vi.unstubAllGlobals()
  closeSession()
})

function open(): void {
  app = createApp({ render: () => h(QuietNotice, { channelId: 'd', writing: writing.value }) }).use(i18n)
  app.mount(host)
}

const settled = (check: () => void) => vi.waitFor(check)

it('says so, until when, and no longer than that', async () => {
  open()
  await settled(() => expect(said()).toBe('Ben is in quiet hours until 6:30. Your message will not ring.'))
  until = null
  await vi.advanceTimersByTimeAsync(8.5 * 3_600_000)
  await settled(() => expect(said()).toBe(''))
  expect(asked).toBe(2)
})

it('asks again when somebody begins to write later on', async () => {
  until = null
  open()
  await settled(() => expect(asked).toBe(1))
  expect(said()).toBe('')
  writing.value = true
  await nextTick()
  expect(asked).toBe(1)
  writing.value = false
  await nextTick()
  vi.setSystemTime(NOW + 61_000)
  until = '2026-11-25T06:30:00Z'
  writing.value = true
  await settled(() => expect(said()).toContain('until 6:30'))
})

it('says nothing when it cannot be had', async () => {
  vi.stubGlobal('fetch', () => {
    asked += 1
    return Promise.reject(new TypeError('network'))
  })
  open()
  await settled(() => expect(asked).toBe(1))
  expect(said()).toBe('')
})
