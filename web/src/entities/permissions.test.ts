import { expect, it } from 'vitest'

import type { Role } from '@/api/types'
import { TIME } from '@/testing/fixtures'

import { leastRole, may, outranks } from './permissions'
import type { WorkspaceEntry } from './store'

const home = (role: Role, permissions: Record<string, Role> = {}): WorkspaceEntry => ({
  role,
  workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions },
})

it('what a role may is the table of the workspace, else the default', () => {
  expect(may(home('admin'), 'view_audit')).toBe(true)
  expect(may(home('moderator'), 'view_audit')).toBe(false)
  expect(may(home('moderator', { view_audit: 'moderator' }), 'view_audit')).toBe(true)
  expect(may(home('admin', { view_audit: 'owner' }), 'view_audit')).toBe(false)
  expect(leastRole(home('guest'), 'pin_messages')).toBe('guest')
})

it('any of several is enough', () => {
  expect(may(home('moderator'), 'view_audit', 'mute_members')).toBe(true)
  expect(may(home('guest'), 'view_audit', 'mute_members')).toBe(false)
})

it('nobody may anything where they are not', () => expect(may(undefined, 'pin_messages')).toBe(false))

it('no role is above itself', () => {
  expect(outranks('owner', 'admin')).toBe(true)
  expect(outranks('admin', 'admin')).toBe(false)
})
