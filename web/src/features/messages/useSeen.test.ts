import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'

import { READ_MS, useSeen } from './useSeen'

let here: string[] = []
let told: string[] = []
let focused = true

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(document, 'hasFocus').mockImplementation(() => focused)
  // No component: what follows the window's focus is not tried here.
  vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  here = []
  told = []
  focused = true
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

function seen() {
  return effectScope().run(() => useSeen(() => here, (keys) => told.push(...keys))) as { look: () => void }
}

function show(list: { look: () => void }, ...keys: string[]): void {
  here = keys
  list.look()
}

it('a row that stays for 800 ms was seen, one that goes before was not', () => {
  const list = seen()
  show(list, 'a', 'b')
  vi.advanceTimersByTime(READ_MS - 10)
  show(list, 'b', 'c')
  vi.advanceTimersByTime(10)
  expect(told).toEqual(['b'])
  vi.advanceTimersByTime(READ_MS)
  expect(told).toEqual(['b', 'c'])
})

it('begins anew when the row was away', () => {
  const list = seen()
  show(list, 'a')
  vi.advanceTimersByTime(READ_MS / 2)
  show(list)
  show(list, 'a')
  vi.advanceTimersByTime(READ_MS / 2)
  expect(told).toEqual([])
})

it('nothing is seen in a window without the focus', () => {
  const list = seen()
  focused = false
  show(list, 'a')
  vi.advanceTimersByTime(2 * READ_MS)
  expect(told).toEqual([])
})
