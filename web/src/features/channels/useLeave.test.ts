import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import { createApp, h, onMounted } from 'vue'
import type { Router } from 'vue-router'
import { createMemoryHistory, createRouter, RouterView } from 'vue-router'

import { openSession } from '@/api/session'
import type { Entities } from '@/entities/store'
import { useEntities } from '@/entities/store'
import { channel, session } from '@/testing/fixtures'

import { useLeave } from './useLeave'

const Empty = { render: () => h('main') }

let entities: Entities
let router: Router
let app: App
let found: string[] | null
let asked: string[]

/** What leads on to a channel from here sees those that are known when it is mounted. */
const Home = {
  setup: () => {
    onMounted(() => (found = [...entities.channels.keys()]))
    return () => h('main')
  },
}

beforeEach(async () => {
  setActivePinia(createPinia())
  asked = []
  found = null
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    asked.push(`${init.method ?? 'GET'} ${url}`)
    return Promise.resolve(new Response(null, { status: 204 }))
  })
  openSession(session())
  entities = useEntities()
  for (const id of ['general', 'plans']) entities.setJoined(channel(id))
  router = createRouter({
    history: createMemoryHistory(),
    routes: [
      { path: '/w/:workspace', name: 'workspace', component: Home },
      { path: '/w/:workspace/c/:channel', name: 'channel', component: Empty },
    ],
  })
  await router.push('/w/acme/c/plans')
  app = createApp(RouterView).use(router)
  app.mount(document.createElement('div'))
})
afterEach(() => {
  app.unmount()
  vi.unstubAllGlobals()
})

const leaving = () => app.runWithContext(() => useLeave(() => 'acme'))

it('leads to the workspace, which does not know the channel any more', async () => {
  await leaving().leave(channel('plans'))
  expect(asked).toEqual(['POST /api/v1/channels/plans/leave'])
  expect(router.currentRoute.value.path).toBe('/w/acme')
  await vi.waitFor(() => expect(found).toEqual(['general']))
})

it('leaves another conversation on the screen where it is', async () => {
  await leaving().leave(channel('general'))
  expect(router.currentRoute.value.path).toBe('/w/acme/c/plans')
  expect([...entities.channels.keys()]).toEqual(['plans'])
})
