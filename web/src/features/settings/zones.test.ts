import { expect, it } from 'vitest'

import { readable, zones } from './zones'

const SUMMER = Date.UTC(2026, 6, 1)
const WINTER = Date.UTC(2026, 0, 1)

it('time zones go from west to east, as they are now', () => {
  const names = ['Europe/Madrid', 'Asia/Kathmandu', 'UTC', 'America/St_Johns']
  expect(zones(WINTER, names).map(({ name, offset }) => `${name} ${offset}`)).toEqual([
    'America/St_Johns GMT-3:30', 'UTC GMT', 'Europe/Madrid GMT+1', 'Asia/Kathmandu GMT+5:45',
  ])
  expect(zones(SUMMER, names)[2]).toEqual({ name: 'Europe/Madrid', offset: 'GMT+2', minutes: 120 })
})

it('their names have spaces', () => expect(readable('America/St_Johns')).toBe('America/St Johns'))
