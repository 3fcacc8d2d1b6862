import { expect, it } from 'vitest'

import { changesOf, filterFrom, NO_FILTER, queryOf, questionOf } from './audit'

it('a filter is an address and back', () => {
  const filter = { ...NO_FILTER, actor: 'u1', from: '2026-11-20' }
  expect(queryOf(filter)).toEqual({ actor: 'u1', from: '2026-11-20' })
  expect(filterFrom(queryOf(filter))).toEqual(filter)
})

it('what is no day, and no outcome, is not asked', () => {
  expect(filterFrom({ from: 'yesterday', to: ['2026-11-20'] })).toEqual(NO_FILTER)
  expect(questionOf({ ...NO_FILTER, outcome: 'perhaps' }).outcome).toBeNull()
})

it('days begin and end where the reader is', () => {
  const { from, to } = questionOf({ ...NO_FILTER, from: '2026-11-20', to: '2026-11-20' })
  expect(from).toBe(new Date(2026, 10, 20).toISOString())
  expect(to).toBe(new Date(2026, 10, 21).toISOString())
})

it('an entry tells what differs', () => {
  expect(changesOf({ before: { role: 'member' }, after: { role: 'moderator' } })).toEqual([
    { field: 'role', before: 'member', after: 'moderator' },
  ])
  expect(changesOf({ before: null, after: { is_default: true, until: null } })).toEqual([
    { field: 'is_default', before: null, after: 'true' },
  ])
})

it('of the table of permissions it tells the rows that differ', () => {
  const before = { permissions: { view_audit: 'admin', pin_messages: 'guest' } }
  const after = { permissions: { view_audit: 'moderator', pin_messages: 'guest' } }
  expect(changesOf({ before, after })).toEqual([{ field: 'view_audit', before: 'admin', after: 'moderator' }])
})
