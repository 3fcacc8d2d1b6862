import { afterEach, expect, it, vi } from 'vitest'

import { NamedLocks } from '@/testing/browser'

import { Turns } from './turns'

const browser = new NamedLocks()

/** A tab, and the things whose turn came there. */
function tab() {
  const { locks, close } = browser.tab()
  const begun: string[] = []
  Object.defineProperty(navigator, 'locks', { value: locks, configurable: true })
  const turns = new Turns('things', (id) => begun.push(id))
  return { begun, follow: (...ids: string[]) => turns.follow(ids), close }
}

afterEach(() => void Reflect.deleteProperty(navigator, 'locks'))

it('comes to whoever asked first, and when that tab is closed to the next', () => {
  const [first, second, third] = [tab(), tab(), tab()]
  first.follow('a', 'b')
  second.follow('a', 'b')
  third.follow('a')
  expect([first.begun, second.begun]).toEqual([['a', 'b'], []])
  first.close()
  expect([second.begun, third.begun]).toEqual([['a', 'b'], []])
  second.close()
  expect(third.begun).toEqual(['a'])
})

it('comes once for each thing, and goes on when it waits no longer', async () => {
  const [first, second] = [tab(), tab()]
  first.follow('c')
  first.follow('c')
  second.follow('c')
  first.follow()
  await vi.waitFor(() => expect(second.begun).toEqual(['c']))
  expect(first.begun).toEqual(['c'])
  first.follow('c')
  second.follow()
  await vi.waitFor(() => expect(first.begun).toEqual(['c', 'c']))
  first.follow()
})

it('does not come to who has left the line', async () => {
  const [first, second, third] = [tab(), tab(), tab()]
  for (const one of [first, second, third]) one.follow('d')
  second.follow()
  first.close()
  await vi.waitFor(() => expect(third.begun).toEqual(['d']))
  expect(second.begun).toEqual([])
})

it('never comes without locks', () => {
  const begun: string[] = []
  new Turns('things', (id) => begun.push(id)).follow(['e'])
  expect(begun).toEqual([])
})
