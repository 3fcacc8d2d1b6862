import { expect, it } from 'vitest'

import type { ReportedMessage } from '@/api/administration'
import type { Role } from '@/api/types'
import type { ChannelEntry, WorkspaceEntry } from '@/entities/store'
import { cursorAt } from '@/entities/unread'
import { channel, TIME } from '@/testing/fixtures'

import { decisions, territoriesFor } from './reports'

const home = (role: Role): WorkspaceEntry => ({
  role,
  workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions: {} },
})
const entry = (kind: 'public' | 'dm'): ChannelEntry => ({
  channel: channel('c', 0, { kind }), joined: true, memberCount: 2, knownSeq: 0, lastNoteSeq: 0, mutedUntil: null,
  preferences: { level: 'mentions', muted: false, section: null }, ...cursorAt(0),
})
const reported = { report: { channel_id: 'c', workspace_id: 'w' } } as ReportedMessage

it('a moderator may all of it in a channel that they read, against who stands below', () => {
  expect(decisions(home('moderator'), { entry: entry('public'), author: 'member' })).toEqual(['dismiss', 'delete', 'mute', 'kick', 'ban'])
  expect(decisions(home('moderator'), { entry: entry('public'), author: 'admin' })).toEqual(['dismiss', 'delete'])
})

it('of a conversation that they are not in they act on the person alone', () => {
  expect(decisions(home('moderator'), { entry: undefined, author: 'member' })).toEqual(['dismiss', 'mute', 'ban'])
  expect(territoriesFor('ban', reported, undefined)).toEqual([{ room: 'workspaces', id: 'w' }])
})

it('direct conversations have no moderators', () => {
  expect(decisions(home('owner'), { entry: entry('dm'), author: 'member' })).not.toContain('kick')
  expect(territoriesFor('mute', reported, entry('dm'))).toEqual([{ room: 'workspaces', id: 'w' }])
})

it('nobody is left to act on when they are gone', () => {
  expect(decisions(home('owner'), { entry: entry('public'), author: undefined })).toEqual(['dismiss', 'delete'])
})
