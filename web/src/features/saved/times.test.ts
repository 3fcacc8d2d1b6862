import { expect, it } from 'vitest'

import type { TimeName } from './times'
import { fieldTime, timeOf } from './times'

/** A Thursday. */
const NOW = new Date(2026, 10, 26, 16, 40)

it.each<[TimeName, string]>([
  ['minutes', '2026-11-26T17:00'],
  ['hour', '2026-11-26T17:40'],
  ['tomorrow', '2026-11-27T09:00'],
  ['monday', '2026-11-30T09:00'],
])('%s: %s', (name, at) => expect(fieldTime(timeOf(name, NOW))).toBe(at))

it('on a Monday the next one is meant, on a Sunday tomorrow', () => {
  expect(fieldTime(timeOf('monday', new Date(2026, 10, 30, 8)))).toBe('2026-12-07T09:00')
  expect(fieldTime(timeOf('monday', new Date(2026, 10, 29, 8)))).toBe('2026-11-30T09:00')
})
