import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import { createApp, h, nextTick } from 'vue'

import { useCalling } from '@/entities/calling'
import { useEntities } from '@/entities/store'
import { useWishes } from '@/entities/wishQueue'
import { i18n } from '@/locales/i18n'
import { channel, message, myself } from '@/testing/fixtures'

import MessageEditor from './MessageEditor.vue'

let app: App
let host: HTMLElement
let closed: number
let agrees: boolean

beforeEach(() => {
  closed = 0
  // Who is in the channel, to complete names: nobody answers.
  vi.stubGlobal('fetch', () => new Promise(() => undefined))
  setActivePinia(createPinia())
  useEntities().setMe(myself('ana'))
  useEntities().setChannel(channel('c', 9), { joined: true })
  vi.spyOn(useWishes(), 'want').mockImplementation(() => undefined)
  vi.spyOn(useCalling(), 'agreed').mockImplementation(() => Promise.resolve(agrees))
})
afterEach(() => {
  app.unmount()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

async function save(text: string, patch: Parameters<typeof message>[1] = {}): Promise<void> {
  host = document.createElement('div')
  const edited = message(5, { author_id: 'ana', text: 'lunch', ...patch })
  app = createApp({ render: () => h(MessageEditor, { message: edited, onClose: () => closed++ }) }).use(i18n)
  app.mount(host)
  const field = host.querySelector('textarea') as HTMLTextAreaElement
  field.value = text
  field.dispatchEvent(new Event('input'))
  await nextTick()
  host.querySelector('form')?.dispatchEvent(new Event('submit'))
  await nextTick()
}

it('asks before it calls somebody, and saves then', async () => {
  agrees = true
  await save('lunch, @channel')
  expect(useCalling().agreed).toHaveBeenCalledWith({ place: 'c', text: 'lunch, @channel', former: 'lunch', deed: 'save' })
  const wish = { kind: 'text', wanted: 'lunch, @channel', had: 'lunch' }
  expect(useWishes().want).toHaveBeenCalledWith(expect.objectContaining({ id: 'm5' }), wish)
  expect(closed).toBe(1)
})

it('stays as it is when its author thinks better of it', async () => {
  agrees = false
  await save('lunch, @channel')
  expect(useWishes().want).not.toHaveBeenCalled()
  expect(closed).toBe(0)
})

it.each([
  [true, 'c'],
  [false, 'c/m1'],
])('a reply is where it is read: in the channel as well %s', async (inChannel, place) => {
  agrees = true
  await save('@here', { thread_id: 'm1', in_channel: inChannel })
  expect(useCalling().agreed).toHaveBeenCalledWith(expect.objectContaining({ place }))
})
