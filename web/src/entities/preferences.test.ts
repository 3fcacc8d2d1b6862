import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it, vi } from 'vitest'

import { account } from '@/api/account'
import { Problem } from '@/api/problem'
import { myself } from '@/testing/fixtures'

import { readPreferences, STORAGE_KEY, usePreferences } from './preferences'
import { useEntities } from './store'

vi.mock('@/api/account')

const server = { preferences: {} as Record<string, unknown>, broken: false }

beforeEach(() => {
  localStorage.clear()
  Object.assign(server, { preferences: { terminal: { bell: true } }, broken: false })
  vi.mocked(account.get).mockImplementation(() => Promise.resolve(myself('ana', { preferences: server.preferences })))
  vi.mocked(account.update).mockImplementation(({ preferences = {} }) => {
    if (server.broken) return Promise.reject(new Problem(0, 'network', ''))
    server.preferences = preferences
    return Promise.resolve(myself('ana', { preferences }))
  })
  setActivePinia(createPinia())
})

const logIn = () => useEntities().setMe(myself('ana', { preferences: server.preferences }))
/** As if the page were opened again. */
function anotherPage(): void {
  setActivePinia(createPinia())
  usePreferences()
}

it('what was stored is made whole, and nonsense is as if nobody had chosen', () => {
  const read = readPreferences({ theme: 'dark', clock: '25', timeZone: 'Europe/Nowhere', hideAi: 'yes', language: 'ar' })
  expect(read).toMatchObject({ theme: 'dark', clock: 'language', timeZone: null, hideAi: false, language: 'ar' })
  expect(readPreferences(null)).toEqual(readPreferences({}))
})

it('a choice stays in this browser and reaches the account beside what others keep there', async () => {
  logIn()
  usePreferences().set('theme', 'contrast')
  await vi.waitFor(() => expect(server.preferences).toEqual({ terminal: { bell: true }, theme: 'contrast' }))
  anotherPage()
  expect(usePreferences().current.theme).toBe('contrast')
})

it('the account decides on a new device, but for what was just chosen at the log-in', async () => {
  server.preferences = { theme: 'dark', language: 'de' }
  usePreferences().set('language', 'ar')
  logIn()
  await vi.waitFor(() => expect(server.preferences).toEqual({ theme: 'dark', language: 'ar' }))
  expect(usePreferences().current).toMatchObject({ theme: 'dark', language: 'ar' })
})

it('what could not be saved wins over the account until it is', async () => {
  logIn()
  server.broken = true
  usePreferences().set('density', 'compact')
  await vi.waitFor(() => expect(account.update).toHaveBeenCalled())
  anotherPage()
  server.broken = false
  logIn()
  await vi.waitFor(() => expect(server.preferences).toMatchObject({ density: 'compact' }))
  expect(usePreferences().current.density).toBe('compact')
})

it('the next person does not inherit what the last one could not save', async () => {
  server.broken = true
  usePreferences().set('density', 'compact')
  usePreferences().forgetUnsaved()
  logIn()
  await vi.waitFor(() => expect(usePreferences().current.density).toBe('standard'))
})

it('another tab follows', () => {
  const { set } = usePreferences()
  set('textSize', 'large')
  const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '') as { values: object }
  localStorage.setItem(STORAGE_KEY, JSON.stringify({ values: { ...stored.values, theme: 'light' }, unsaved: [] }))
  dispatchEvent(new StorageEvent('storage', { key: STORAGE_KEY }))
  expect(usePreferences().current).toMatchObject({ theme: 'light', textSize: 'large' })
})
