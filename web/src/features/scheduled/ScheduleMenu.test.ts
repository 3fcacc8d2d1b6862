import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import { createApp, h } from 'vue'
import { createRouter, createMemoryHistory } from 'vue-router'

import { openSession } from '@/api/session'
import { useCalling } from '@/entities/calling'
import { i18n } from '@/locales/i18n'
import { session, TIME } from '@/testing/fixtures'

import ScheduleMenu from './ScheduleMenu.vue'

let app: App
let asked: string[]
let scheduled: number

beforeEach(() => {
  asked = []
  scheduled = 0
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    asked.push(String(init.body))
    return Promise.resolve(Response.json({ scheduled: { id: 's', workspace_id: 'w', send_at: TIME, updated_at: TIME, state: 'waiting' } }))
  })
  setActivePinia(createPinia())
  openSession(session())
})
afterEach(() => {
  app.unmount()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

async function choose(name: string): Promise<void> {
  const props = { place: 'c', workspaceId: 'w', slug: 'w', text: '@here, lunch', alsoInChannel: false, disabled: false }
  const host = document.body.appendChild(document.createElement('div'))
  app = createApp({ render: () => h(ScheduleMenu, { ...props, onScheduled: () => scheduled++ }) })
  app.use(i18n).use(createRouter({ history: createMemoryHistory(), routes: [{ path: '/', component: {} }] })).mount(host)
  host.querySelector<HTMLElement>('[aria-haspopup=menu]')?.click()
  const item = await vi.waitFor(() => {
    const found = [...document.querySelectorAll<HTMLElement>('[role=menuitem]')].find((one) => one.textContent?.trim() === name)
    expect(found).toBeDefined()
    return found
  })
  item?.click()
}

it.each([true, false])('asks before it calls many, as sending does: %s', async (yes) => {
  const agreed = vi.spyOn(useCalling(), 'agreed').mockResolvedValue(yes)
  await choose('In 1 hour')
  await vi.waitFor(() => expect(agreed).toHaveBeenCalledWith({ place: 'c', text: '@here, lunch', alsoInChannel: false, deed: 'schedule' }))
  if (yes) await vi.waitFor(() => expect(scheduled).toBe(1))
  expect([asked.length, scheduled]).toEqual(yes ? [1, 1] : [0, 0])
})
