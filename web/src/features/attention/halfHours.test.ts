import { expect, it } from 'vitest'

import { halfHours } from './halfHours'

it('goes through the day', () => {
  const all = halfHours('22:00')
  expect([all.length, ...all.slice(0, 3), all.at(-1)]).toEqual([48, '00:00', '00:30', '01:00', '23:30'])
})

it('keeps what another program chose, in its place', () => {
  expect(halfHours('22:10').slice(44, 47)).toEqual(['22:00', '22:10', '22:30'])
})
