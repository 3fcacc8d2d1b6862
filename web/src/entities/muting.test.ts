import { expect, it } from 'vitest'

import { mutedUntil } from './muting'

const NOON = Date.parse('2026-11-21T12:00:00Z')

it('a mute holds until its end, and the longest one counts', () => {
  const [one, two] = ['2026-11-21T13:00:00Z', '2026-11-21T14:00:00Z'] as const
  expect(mutedUntil([one, null], NOON)).toBe(Date.parse(one))
  expect(mutedUntil([one, two], NOON)).toBe(Date.parse(two))
  expect(mutedUntil([one, null], Date.parse(one))).toBe(null)
})

it('who was never muted may write', () => expect(mutedUntil([null, undefined], NOON)).toBe(null))
