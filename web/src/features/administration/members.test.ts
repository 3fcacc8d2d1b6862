import { expect, it } from 'vitest'

import type { Role } from '@/api/types'
import type { WorkspaceEntry } from '@/entities/store'
import { channel, person, TIME } from '@/testing/fixtures'

import { governsAnything, rightsIn } from './channelRules'
import { untilOf } from './deeds'
import { invitableRoles, usesOf } from './invites'
import type { Asked } from './members'
import { deedsAgainst, givableRoles, matching } from './members'
import { pagesFor } from './pages'

const home = (role: Role, permissions: Record<string, Role> = {}): WorkspaceEntry => ({
  role,
  workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions },
})
const asked = (role: Role, patch: Partial<Asked> = {}): Asked => ({
  user: person('ben'), role, mine: false, lastOwner: false, ...patch,
})

it('owners give any role to anybody, and the last of them keeps theirs', () => {
  expect(givableRoles(home('owner'), asked('admin'))).toEqual(['owner', 'admin', 'moderator', 'member', 'guest'])
  expect(givableRoles(home('owner'), asked('owner', { mine: true, lastOwner: true }))).toEqual(['owner'])
})

it('others give up to their own role to those below them, and to themselves a lower one', () => {
  expect(givableRoles(home('admin'), asked('member'))).toEqual(['admin', 'moderator', 'member', 'guest'])
  expect(givableRoles(home('admin'), asked('admin'))).toEqual(['admin'])
  expect(givableRoles(home('admin'), asked('admin', { mine: true }))).toEqual(['admin', 'moderator', 'member', 'guest'])
  expect(givableRoles(home('moderator'), asked('member'))).toEqual(['member'])
})

it('deeds are for those below, by what the role may', () => {
  expect(deedsAgainst(home('moderator'), asked('member'))).toEqual(['mute', 'ban'])
  expect(deedsAgainst(home('admin'), asked('member'))).toEqual(['mute', 'ban', 'deactivate', 'remove'])
  expect(deedsAgainst(home('admin'), asked('admin'))).toEqual([])
  expect(deedsAgainst(home('owner'), asked('owner', { mine: true }))).toEqual([])
})

it('people are found by either name, and by role', () => {
  const people = [asked('member'), asked('guest', { user: person('eve', { display_name: 'Évelyne' }) })]
  expect(matching(people, ' ÉVE ', 'all').map((one) => one.user.id)).toEqual(['eve'])
  expect(matching(people, '', 'member').map((one) => one.user.id)).toEqual(['ben'])
})

it('a role opens the pages that it can do something on', () => {
  expect(pagesFor(home('owner'))).toHaveLength(8)
  expect(pagesFor(home('moderator'))).toEqual(['members', 'moderation'])
  expect(pagesFor(home('member'))).toEqual([])
  expect(pagesFor(home('member', { view_audit: 'member' }))).toEqual(['audit'])
  expect(pagesFor(home('guest', { view_audit: 'guest' }))).toEqual([])
  expect(pagesFor(undefined)).toEqual([])
})

it('nobody invites above themselves', () => {
  expect(invitableRoles(home('owner'))).toEqual(['member', 'guest', 'moderator', 'admin'])
  expect(invitableRoles(home('member', { invite_guests: 'member' }))).toEqual(['guest'])
})

it.each([
  ['', { max: null }], [' 3 ', { max: 3 }], ['0', null], ['many', null], ['100001', null], ['1.5', null],
])('%j uses', (typed, limit) => expect(usesOf(typed)).toEqual(limit))

it('who owns a channel governs it without deleting it', () => {
  const rights = rightsIn(channel('plans'), home('member'), true)
  expect(rights).toEqual({ manage: true, slow: true, archive: true, remove: false, mute: true, ban: true })
  expect(governsAnything(rightsIn(channel('plans'), home('member')))).toBe(false)
  expect(governsAnything(rightsIn(channel('plans'), home('guest'), true))).toBe(false)
  expect(governsAnything(rightsIn(channel('talk', 0, { kind: 'dm', name: null }), home('owner')))).toBe(false)
})

it('an archived channel can be opened or deleted, and nothing else', () => {
  const rights = rightsIn(channel('plans', 0, { archived_at: TIME }), home('owner'))
  expect(rights).toEqual({ manage: false, slow: false, archive: true, remove: true, mute: false, ban: false })
})

it('a time ends from now, or never', () => {
  expect(untilOf(60, Date.parse(TIME))).toBe('2026-11-21T04:01:00.000Z')
  expect(untilOf(null, 0)).toBeNull()
})
