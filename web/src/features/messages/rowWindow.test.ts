import { expect, it } from 'vitest'

import type { Row } from './rows'
import { BESIDE, FEW, RowWindow } from './rowWindow'

const HEIGHT = 600

function rows(from: number, to: number): Row[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ kind: 'day', key: `r${from + i}`, time: 0 }))
}

function windowOf(list: Row[], height = 40): RowWindow {
  const window = new RowWindow()
  window.setRows(list)
  for (const { key } of list) window.measured(key, height)
  return window
}

const keys = (window: RowWindow, offset: number, kept: string[] = []) =>
  window.slots(offset, HEIGHT, kept).map((slot) => slot.row.key)

it('a short list is there as a whole, without a gap', () => {
  const slots = windowOf(rows(1, 20)).slots(0, HEIGHT, [])
  expect(slots).toHaveLength(20)
  expect(slots.every((slot) => slot.gap === 0)).toBe(true)
})

it('of a hundred thousand rows those around the view are there, and the last one', () => {
  const window = windowOf(rows(1, 100_000))
  expect(window.slots(40 * 50_000, HEIGHT, [])[0]?.row.key).toBe(`r${50_001 - FEW}`)
  window.widen()
  const slots = window.slots(40 * 50_000, HEIGHT, [])
  expect(slots.length).toBeLessThan(100)
  expect(slots[0]).toEqual({ row: expect.objectContaining({ key: `r${50_001 - BESIDE}` }), gap: 40 * (50_000 - BESIDE) })
  expect(slots.at(-1)?.row.key).toBe('r100000')
  expect(slots.reduce((sum, slot) => sum + slot.gap + 40, 0)).toBe(40 * 100_000)
})

it('a row that is kept stays, wherever it is', () => {
  expect(keys(windowOf(rows(1, 1_000)), 40 * 500, ['r3', 'gone'])[0]).toBe('r3')
})

it('the end is shown from however far below', () => {
  expect(keys(windowOf(rows(1, 1_000)), Number.MAX_SAFE_INTEGER).at(-2)).toBe('r999')
})

it('what was measured counts for the same row after others came in above', () => {
  const window = windowOf(rows(51, 100), 70)
  window.setRows(rows(1, 100))
  expect(window.startOf('r53')).toBe((window.startOf('r51') ?? 0) + 140)
  expect(window.startOf('gone')).toBeNull()
  expect(window.at(window.startOf('r60') ?? 0).index).toBe(59)
})
