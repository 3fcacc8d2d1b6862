import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { openSession } from '@/api/session'
import type { Sidebar } from '@/api/sidebar'
import { collapsed, withSection } from '@/entities/sidebar'
import { useEntities } from '@/entities/store'
import { session } from '@/testing/fixtures'

import { useArranging } from './arranging'

/** What the server has, and how often it refuses for no reason of the arrangement's. */
let stored: Sidebar
let broken: boolean
let puts: number

function answer(status: number, body: object): Response {
  const type = status === 200 ? 'application/json' : 'application/problem+json'
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': type } })
}

beforeEach(() => {
  setActivePinia(createPinia())
  stored = { version: 1, sections: [] }
  broken = false
  puts = 0
  vi.stubGlobal('fetch', (_: string, init: RequestInit) => {
    if (init.method === 'GET') return Promise.resolve(answer(200, stored))
    puts++
    if (broken) return Promise.resolve(answer(403, { status: 403, code: 'forbidden', title: 'Not you' }))
    const wish = JSON.parse(String(init.body)) as Sidebar
    if (wish.version !== stored.version) return Promise.resolve(answer(409, { status: 409, code: 'sidebar_stale', title: 'Stale' }))
    stored = { version: wish.version + 1, sections: wish.sections }
    return Promise.resolve(answer(200, stored))
  })
  openSession(session())
  useEntities().sidebars.set('w', stored)
})
afterEach(() => vi.unstubAllGlobals())

const ids = (sections: readonly { id: string }[]) => sections.map(({ id }) => id)

it('is seen at once, and sent one after the other', async () => {
  const arranging = useArranging()
  arranging.change('w', withSection('a', 'A'))
  arranging.change('w', withSection('b', 'B'))
  expect(ids(arranging.sections('w'))).toEqual(['starred', 'a', 'b', 'channels', 'direct'])
  await vi.waitFor(() => expect(ids(stored.sections)).toEqual(['starred', 'a', 'b', 'channels', 'direct']))
  await vi.waitFor(() => expect(useEntities().sidebars.get('w')).toEqual(stored))
})

it('is made again on what another device has arranged meanwhile', async () => {
  stored = { version: 4, sections: [...withSection('theirs', 'Theirs')([])] }
  useArranging().change('w', collapsed('direct', true))
  await vi.waitFor(() => expect(stored.version).toBe(5))
  expect(ids(stored.sections)).toContain('theirs')
  expect(stored.sections.find(({ id }) => id === 'direct')?.collapsed).toBe(true)
  expect(puts).toBe(2)
})

it('is taken back when it is refused, and the reason is said', async () => {
  broken = true
  const arranging = useArranging()
  arranging.change('w', withSection('a', 'A'))
  await vi.waitFor(() => expect(ids(arranging.sections('w'))).toEqual(['starred', 'channels', 'direct']))
  expect(arranging.problem?.code).toBe('forbidden')
})
