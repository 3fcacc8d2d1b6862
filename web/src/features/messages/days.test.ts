import { expect, it } from 'vitest'

import { daysAgo, fieldOf, timeOf } from './days'

it('a day goes into a field and comes back as its beginning', () => {
  const noon = new Date(2026, 2, 5, 12).getTime()
  expect(fieldOf(noon)).toBe('2026-03-05')
  expect(timeOf('2026-03-05')).toBe(new Date(2026, 2, 5).getTime())
})

it.each(['', '2026', '2026-00-00'])('%j is no day', (field) => expect(timeOf(field)).toBeNull())

it('a week ago is seven days back, at midnight', () => {
  expect(fieldOf(daysAgo(7))).toBe(fieldOf(new Date(new Date().setDate(new Date().getDate() - 7)).getTime()))
  expect(new Date(daysAgo(7)).getHours()).toBe(0)
})
