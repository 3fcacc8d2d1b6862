import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { App } from 'vue'
import { createApp, h, nextTick } from 'vue'

import { openSession } from '@/api/session'
import type { Role } from '@/api/types'
import type { WorkspaceEntry } from '@/entities/store'
import { i18n } from '@/locales/i18n'
import { channel, session, TIME } from '@/testing/fixtures'

import { deletable } from './deletable'
import DeleteChannelDialog from './DeleteChannelDialog.vue'

let asked: string[]
let status: number
let deleted: number

beforeEach(() => {
  setActivePinia(createPinia())
  asked = []
  status = 204
  deleted = 0
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    asked.push(`${init.method ?? 'GET'} ${url}`)
    const problem = JSON.stringify({ status, code: 'default_channel', title: 'Not this one', detail: null })
    const headers = { 'content-type': 'application/problem+json' }
    return Promise.resolve(new Response(status === 204 ? null : problem, { status, headers }))
  })
  openSession(session())
})
afterEach(() => {
  app.unmount()
  vi.unstubAllGlobals()
})

let app: App

async function shown(): Promise<HTMLElement> {
  const dialog = { render: () => h(DeleteChannelDialog, { channel: channel('c', 1, { name: 'plans' }), onDeleted: () => deleted++ }) }
  app = createApp(dialog).use(i18n)
  app.mount(document.createElement('div'))
  await nextTick()
  return document.querySelector('dialog') as HTMLElement
}

function press(host: HTMLElement, name: string): void {
  const button = [...host.querySelectorAll('button')].find((one) => one.textContent?.trim() === name)
  expect(button).toBeDefined()
  button?.click()
}

it('asks first, and says what goes with the channel', async () => {
  const host = await shown()
  expect(host.querySelector('h2')?.textContent).toBe('Delete plans?')
  expect(host.textContent).toContain('Nothing brings them back.')
  expect(asked).toEqual([])
  press(host, 'Delete for good')
  await vi.waitFor(() => expect(deleted).toBe(1))
  expect(asked).toEqual(['DELETE /api/v1/channels/c'])
})

it('says why it was refused, and stays', async () => {
  status = 409
  const host = await shown()
  press(host, 'Delete for good')
  await vi.waitFor(() => expect(host.textContent).toContain('Not this one'))
  expect(deleted).toBe(0)
})

it('is offered to whom the workspace lets, and not for where newcomers come in', () => {
  const home = (role: Role, permissions = {}): WorkspaceEntry => ({
    role,
    workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions },
  })
  const plans = channel('plans')
  expect(deletable(plans, home('admin'))).toBe(true)
  expect(deletable(plans, home('moderator'))).toBe(false)
  expect(deletable(plans, home('moderator', { delete_channels: 'moderator' }))).toBe(true)
  expect(deletable(plans, home('owner', { delete_channels: 'owner' }))).toBe(true)
  expect(deletable(plans, undefined)).toBe(false)
  expect(deletable(channel('general'), home('owner'))).toBe(false)
  expect(deletable(channel('lobby', 0, { is_default: true }), home('owner'))).toBe(false)
  expect(deletable(channel('talk', 0, { kind: 'dm', name: null }), home('owner'))).toBe(false)
})
