import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createApp } from 'vue'

import type { Notification as Told } from '@/api/attention'
import type { Envelope } from '@/api/events'
import { openSession } from '@/api/session'
import { useEntities } from '@/entities/store'
import { cursorAt } from '@/entities/unread'
import { i18n } from '@/locales/i18n'
import { channel, message, myself, person, session, TIME } from '@/testing/fixtures'

import { desktop, showWords, turnOff, turnOn } from './desktop'
import { useAttention } from './useAttention'
import { useDesktop } from './useDesktop'

/** What was shown: title, text, and where a click leads. */
let shown: FakeNotification[]
let opened: string[]
let focused: boolean

class FakeNotification {
  static permission = 'granted'
  static requestPermission = () => Promise.resolve('granted')
  onclick = () => undefined
  close = () => void (shown = shown.filter((other) => other !== this))

  constructor(
    readonly title: string,
    readonly options: NotificationOptions,
  ) {
    shown.push(this)
  }

  get data(): unknown {
    return this.options.data
  }
}

const told = (seq: number, patch: Partial<Told> = {}): Envelope => ({
  id: `e${seq}`, type: 'notification.created', v: 1, workspace_id: 'w', channel_id: null, ch_seq: null, actor_id: 'ben', time: TIME,
  data: {
    notification: {
      id: `n${seq}`, channel_id: 'c', message_id: `m${seq}`, ch_seq: seq, thread_id: null, reason: 'mention', created_at: TIME, silent: false, ...patch,
    },
  },
})

let tell: (event: Envelope) => void

beforeEach(async () => {
  vi.useFakeTimers()
  shown = []
  opened = []
  focused = false
  vi.stubGlobal('Notification', FakeNotification)
  vi.spyOn(document, 'hasFocus').mockImplementation(() => focused)
  vi.stubGlobal('fetch', (url: string) => {
    if (url.includes('/notifications')) return Promise.resolve(Response.json({ items: [], next: null, read_id: 'n5' }))
    const seq = Number(url.split('/m').at(-1))
    return Promise.resolve(Response.json({ message: message(seq, { text: `words ${seq}`, deleted_at: seq === 9 ? TIME : null }) }))
  })
  setActivePinia(createPinia())
  openSession(session())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.setUser(person('ben', { display_name: 'Ben' }))
  store.setChannel(channel('c', 9, { name: 'plans' }), { joined: true, ...cursorAt(4) })
  // What the browser can is read anew.
  turnOff()
  await turnOn()
  createApp({
    setup() {
      tell = useDesktop(({ id }) => `/to/${id}`, (path) => opened.push(path))
      return () => null
    },
  }).use(i18n).mount(document.createElement('div'))
})

afterEach(() => {
  turnOff()
  showWords(true)
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const words = () => shown.map(({ title, options }) => `${title}: ${options.body}`)

async function ring(event: Envelope): Promise<void> {
  tell(event)
  await vi.advanceTimersByTimeAsync(1_600)
}

/** The message is asked for, which no clock tells. */
const says = (text: string) => vi.waitFor(() => expect(words()).toEqual([text]))

it('says who, where and what, and a click leads there', async () => {
  await ring(told(5))
  await says('Ben in #plans: words 5')
  shown[0]?.onclick()
  expect(opened).toEqual(['/to/m5'])
})

it('says only why when others shall not read it', async () => {
  showWords(false)
  await ring(told(5))
  await says('Ben in #plans: You were mentioned')
})

it('says a person once in a direct conversation', async () => {
  useEntities().setChannel(channel('c', 9, { kind: 'dm', name: null, member_ids: ['ana', 'ben'] }))
  await ring(told(5, { reason: 'direct' }))
  await says('Ben: words 5')
})

it.each<[string, () => void, Envelope]>([
  ['this page is looked at', () => (focused = true), told(5)],
  ['it was read meanwhile', () => undefined, told(4)],
  ['it is gone', () => undefined, told(9)],
  ['somebody does not want to be disturbed', () => {
    const until = new Date(Date.now() + 60_000).toISOString()
    useEntities().setMe(myself('ana', { presence: { ...myself('ana').presence, dnd_until: until } }))
  }, told(5)],
  ['the server told it silently', () => undefined, told(5, { silent: true })],
  ['the day has come to hours in which nothing rings', () => {
    const hours = { starts: '00:00', ends: '23:59' }
    vi.setSystemTime(Date.UTC(2026, 10, 24, 12))
    useEntities().setMe(myself('ana', { presence: { ...myself('ana').presence, time_zone: 'UTC', quiet_hours: hours } }))
  }, told(5)],
  ['nobody has turned it on', turnOff, told(5)],
])('is quiet when %s', async (_, begin, event) => {
  begin()
  await ring(event)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(words()).toEqual([])
})

const event = (type: Envelope['type'], data: object): Envelope => ({ ...told(0), type, data }) as Envelope

it.each<[string, Envelope, string[]]>([
  ['is read elsewhere', event('read.updated', { channel_id: 'c', thread_id: null, read_seq: 5, unread: 0, mentions: 0 }), []],
  ['is deleted', event('message.deleted', { message: message(5, { deleted_at: TIME }) }), []],
  ['concerns nobody any more', event('notification.withdrawn', { notification: { message_id: 'm5' } }), []],
  ['is seen in the list', event('notifications.read', { read_id: 'n5' }), []],
  ['is newer than what is seen in the list', event('notifications.read', { read_id: 'n4' }), ['m5']],
  ['is told in another workspace than what is seen', { ...event('notifications.read', { read_id: 'n5' }), workspace_id: 'v' }, ['m5']],
  ['has others before it that are read', event('read.updated', { channel_id: 'c', thread_id: null, read_seq: 4 }), ['m5']],
  ['stands beside a thread that is read', event('read.updated', { channel_id: 'c', thread_id: 't', read_seq: 9 }), ['m5']],
  ['is one of several, and another is deleted', event('message.deleted', { message: message(6) }), ['m5']],
])('what is shown and %s', async (_, happened, left) => {
  await ring(told(5))
  await says('Ben in #plans: words 5')
  tell(happened)
  await vi.advanceTimersByTimeAsync(10)
  expect(shown.map(({ options }) => (options.data as { about: { message: string } }).about.message)).toEqual(left)
})

it('what was read while no page was open is taken away by the next one', async () => {
  await ring(told(5))
  await says('Ben in #plans: words 5')
  const store = useEntities()
  store.setCursor('c', cursorAt(5))
  useAttention().onSnapshot('w')
  await vi.advanceTimersByTimeAsync(10)
  expect(shown).toEqual([])
})

it('what was seen in the list while no page was open is taken away by the next one, and rings no more', async () => {
  await ring(told(5))
  await says('Ben in #plans: words 5')
  useAttention().show('w')
  await vi.waitFor(() => expect(shown).toEqual([]))
  await ring(told(5))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(shown).toEqual([])
})

it('is blocked when the browser is told so', () => {
  FakeNotification.permission = 'denied'
  turnOff()
  expect(desktop.value).toBe('blocked')
  FakeNotification.permission = 'granted'
})
