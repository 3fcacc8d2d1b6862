import { expect, it } from 'vitest'

import type { End } from './ends'
import { endOf } from './ends'

/** A Thursday, in the reader's own time. */
const NOW = new Date(2026, 10, 26, 14, 30)

it.each<[End, Date]>([
  ['halfHour', new Date(2026, 10, 26, 15, 0)],
  ['hour', new Date(2026, 10, 26, 15, 30)],
  ['fourHours', new Date(2026, 10, 26, 18, 30)],
  ['day', new Date(2026, 10, 26, 23, 59, 59)],
  ['week', new Date(2026, 10, 29, 23, 59, 59)],
])('%s', (end, at) => expect(endOf(end, NOW)).toBe(at.toISOString()))

it('never', () => expect(endOf('never', NOW)).toBeNull())

it('a week that ends today', () => {
  expect(endOf('week', new Date(2026, 10, 29, 9))).toBe(new Date(2026, 10, 29, 23, 59, 59).toISOString())
})
