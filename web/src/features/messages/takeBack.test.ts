import 'fake-indexeddb/auto'

import { createPinia, setActivePinia } from 'pinia'
import type { Ref } from 'vue'
import { createApp, defineComponent, h, nextTick, ref, shallowRef } from 'vue'
import { beforeEach, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import { useDrafts } from '@/entities/drafts'
import { placeIn } from '@/entities/place'
import { useEntities } from '@/entities/store'
import { cursorAt } from '@/entities/unread'
import { i18n } from '@/locales/i18n'
import { channel, message, myself, person, session } from '@/testing/fixtures'

import { useOutbox } from './outbox'
import PendingStatus from './PendingStatus.vue'
import { useQuotes } from './quotes'
import { provideTakeBack } from './takeBack'

const BEN = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const PLACE = placeIn('c', 't')

let field: Ref<{ focus: () => void } | null>
let focus: ReturnType<typeof vi.fn<() => void>>
let also: boolean
let host: HTMLElement

/** What the server refuses, as it stands in the list. */
async function refused(text: string, alsoInChannel = false): Promise<void> {
  useOutbox().send(PLACE, text, { alsoInChannel })
  await vi.waitFor(() => expect(useOutbox().queue(PLACE)[0]?.state).toBe('failed'))
  const [pending] = useOutbox().queue(PLACE)
  const Row = defineComponent(() => {
    provideTakeBack(PLACE, () => field.value, ({ alsoInChannel: too = false }) => (also = too))
    return () => (pending === undefined ? null : h(PendingStatus, { pending }))
  })
  host = document.createElement('div')
  createApp(Row).use(i18n).mount(host)
}

const edit = () => [...host.querySelectorAll('button')].find((button) => button.textContent?.trim() === 'Edit')

beforeEach(() => {
  vi.stubGlobal('fetch', (url: string) =>
    Promise.resolve(url.endsWith('/messages') ? Response.json({ code: 'muted', detail: '' }, { status: 403 }) : Response.json({ draft: null })),
  )
  closeSession()
  setActivePinia(createPinia())
  openSession(session())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.setUser(person(BEN, { username: 'ben' }))
  store.setChannel(channel('c', 9), { joined: true, ...cursorAt(9) })
  useDrafts().set(PLACE, '')
  focus = vi.fn<() => void>()
  field = shallowRef({ focus })
  also = false
})

it('gives the text back to the field, as people write it, and is no longer waiting', async () => {
  await refused(`hello <@${BEN}>`, true)
  edit()?.click()
  expect(useDrafts().get(PLACE)).toBe('hello @ben')
  expect(useOutbox().queue(PLACE)).toEqual([])
  expect(also).toBe(true)
  await nextTick()
  expect(focus).toHaveBeenCalledOnce()
})

it('stands before what was begun since', async () => {
  await refused('first')
  useDrafts().set(PLACE, 'second')
  edit()?.click()
  expect(useDrafts().get(PLACE)).toBe('first\n\nsecond')
})

it('quotes again what it quoted, if nothing else is quoted by now', async () => {
  const quotes = useQuotes()
  const text = (id: string) => `http://chat.example/w/a/c/c/m/${id}\nI agree.`
  for (const seq of [1, 2]) {
    quotes.quote(PLACE, message(seq))
    quotes.sent(PLACE)
  }
  await refused(text('m1'))
  edit()?.click()
  expect([useDrafts().get(PLACE), quotes.of(PLACE)?.id]).toEqual(['I agree.', 'm1'])
  useDrafts().set(PLACE, '')
  await refused(text('m2'))
  edit()?.click()
  expect([useDrafts().get(PLACE), quotes.of(PLACE)?.id]).toEqual([text('m2'), 'm1'])
})

it('is not offered where one cannot write now', async () => {
  field = ref(null)
  await refused('hello')
  expect(host.querySelector('button')?.textContent?.trim()).toBe('Try again')
  expect(edit()).toBeUndefined()
})
