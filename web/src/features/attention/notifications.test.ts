import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { closeSession, openSession } from '@/api/session'
import { session } from '@/testing/fixtures'

import { useNotifications } from './notifications'

let answer: (body: object) => void

beforeEach(() => {
  setActivePinia(createPinia())
  openSession(session())
  vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => {
    answer = (body) => resolve(Response.json(body))
  }))
})

afterEach(() => {
  vi.unstubAllGlobals()
  closeSession()
})

const EMPTY = { items: [], next: null, read_id: null }

async function answered(loading: Promise<void>): Promise<void> {
  await vi.waitFor(() => expect(answer).toBeDefined())
  answer(EMPTY)
  await loading
}

it('what came while the list was asked for is not forgotten', async () => {
  const notifications = useNotifications()
  await answered(notifications.load('w'))
  const loading = notifications.load('w')
  const notification = { id: 'n1', channel_id: 'c', message_id: 'm', ch_seq: 4, thread_id: null, reason: 'keyword', created_at: '' }
  notifications.onEvent({ type: 'notification.created', workspace_id: 'w', data: { notification } } as never)
  await answered(loading)
  expect(notifications.told.map((item) => item.notification.id)).toEqual(['n1'])
})
