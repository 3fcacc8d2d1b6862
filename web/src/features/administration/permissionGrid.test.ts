import { expect, it } from 'vitest'

import type { PermissionTable } from '@/api/administration'
import { DEFAULTS } from '@/entities/permissions'

import { cellOf, COLUMNS, GROUPS, turned, withChanges } from './permissionGrid'

const table: PermissionTable = {
  permissions: { ...DEFAULTS },
  defaults: { ...DEFAULTS },
  lowest: { ...Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, 'member'])), pin_messages: 'guest' },
  mine: Object.keys(DEFAULTS),
}
const none = new Map()

it('every permission stands in the grid once', () => {
  const shown = GROUPS.flatMap((group) => group.permissions)
  expect([...shown].sort()).toEqual(Object.keys(DEFAULTS).sort())
})

it('a role has what a weaker one has', () => {
  const row = COLUMNS.map((role) => cellOf(table, none, 'owner', 'kick_members', role).on)
  expect(row).toEqual([true, true, true, false, false])
})

it('turning a switch on gives it to that role, turning it off leaves it to those above', () => {
  const down = turned(table, none, 'view_audit', 'member')
  expect(down.get('view_audit')).toBe('member')
  const up = turned(table, down, 'view_audit', 'admin')
  expect(up.get('view_audit')).toBe('owner')
})

it('what is turned back is no change', () => {
  const there = turned(table, none, 'view_audit', 'moderator')
  expect(turned(table, there, 'view_audit', 'moderator').size).toBe(0)
})

it('owners keep everything and guests govern nothing', () => {
  expect(cellOf(table, none, 'owner', 'view_audit', 'owner')).toEqual({ on: true, fixed: true })
  expect(cellOf(table, none, 'owner', 'view_audit', 'guest')).toEqual({ on: false, fixed: true })
  expect(cellOf(table, none, 'owner', 'pin_messages', 'guest')).toEqual({ on: true, fixed: false })
})

it('an admin neither takes from their own role nor changes what they do not hold', () => {
  expect(cellOf(table, none, 'admin', 'view_audit', 'admin').fixed).toBe(true)
  expect(cellOf(table, none, 'admin', 'view_audit', 'moderator').fixed).toBe(false)
  const without = { ...table, mine: [] }
  expect(cellOf(without, none, 'admin', 'view_audit', 'moderator').fixed).toBe(true)
})

it('what is put is the table with what I changed', () => {
  const put = withChanges(table, turned(table, none, 'view_audit', 'moderator'))
  expect(put['view_audit']).toBe('moderator')
  expect(put['pin_messages']).toBe('guest')
})
