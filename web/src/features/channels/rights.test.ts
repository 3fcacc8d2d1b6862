import { expect, it } from 'vitest'

import type { Channel, ChannelMember, Role } from '@/api/types'
import type { ChannelEntry, WorkspaceEntry } from '@/entities/store'
import { channel, person, TIME } from '@/testing/fixtures'

import { rightsIn } from './rights'

const home = (role: Role): WorkspaceEntry => ({
  role,
  workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions: {} },
})
const entry = (patch: Partial<Channel> = {}): ChannelEntry =>
  ({ channel: channel('c', 0, patch), joined: true, memberCount: 2, knownSeq: 0, readSeq: 0, lastNoteSeq: 0, mutedUntil: null }) as ChannelEntry
const owner: ChannelMember = { user: person('ana'), role: 'owner', joined_at: TIME, muted_until: null }
const given = (rights: object): string[] => Object.entries(rights).flatMap(([right, yes]) => (yes ? [right] : []))

it('a member describes, adds and leaves; an admin governs; so does who owns the channel, guests aside', () => {
  expect(given(rightsIn(entry(), home('member'), undefined))).toEqual(['describe', 'add', 'leave'])
  expect(given(rightsIn(entry(), home('admin'), undefined))).toHaveLength(5)
  expect(given(rightsIn(entry(), home('member'), owner))).toHaveLength(5)
  expect(given(rightsIn(entry(), home('guest'), owner))).toEqual(['describe', 'leave'])
})

it('announcement channels are described by who governs; archived ones are only left', () => {
  expect(given(rightsIn(entry({ posting: 'admins' }), home('member'), undefined))).toEqual(['add', 'leave'])
  expect(given(rightsIn(entry({ archived_at: TIME }), home('member'), owner))).toEqual(['leave'])
})

it('direct conversations stay as they are', () => {
  expect(given(rightsIn(entry({ kind: 'dm', name: null }), home('owner'), undefined))).toEqual([])
})
