import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it } from 'vitest'
import { createApp, h } from 'vue'

import { i18n } from '@/locales/i18n'

import type { Pending } from './delivery'
import PendingStatus from './PendingStatus.vue'

beforeEach(() => setActivePinia(createPinia()))

function shown(patch: Partial<Pending>): HTMLElement {
  const pending: Pending = {
    id: '1', userId: 'ana', channelId: 'c', text: 'hi', createdAt: Date.now(), state: 'queued', attempts: 1, failure: null,
    ...patch,
  }
  const host = document.createElement('div')
  createApp({ render: () => h(PendingStatus, { pending }) }).use(i18n).mount(host)
  return host
}

it('in a slow channel says when it is sent, and can be deleted until then', () => {
  const host = shown({ slowUntil: Date.now() + 7_200_500 })
  expect(host.querySelector('span')?.textContent).toBe('This channel is slow: it is sent in 3 hours.')
  expect([...host.querySelectorAll('button')].map((button) => button.textContent?.trim())).toEqual(['Delete'])
})

it('that waits for long can be deleted', () => {
  const host = shown({ createdAt: Date.now() - 11_000 })
  expect(host.textContent).toContain('Sending…')
  expect([...host.querySelectorAll('button')].map((button) => button.textContent?.trim())).toEqual(['Delete'])
})

it('is quiet at first, and once the turn has come', () => {
  expect(shown({}).textContent).toBe('')
  expect(shown({ slowUntil: Date.now() - 1 }).textContent).toBe('')
})

it('says that its author is muted', () => {
  const host = shown({ state: 'failed', failure: { code: 'muted', detail: 'Until …', requestId: null } })
  expect(host.textContent).toContain('Not sent. You are muted: you may not write here for a while.')
})
