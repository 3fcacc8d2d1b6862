import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Envelope, Hello } from '@/api/events'
import { openSession } from '@/api/session'
import type { Bootstrap, Message } from '@/api/types'
import { useEntities } from '@/entities/store'
import { EMPTY } from '@/entities/timeline'
import * as fixtures from '@/testing/fixtures'
import { channel, myself, note, person, session, TIME } from '@/testing/fixtures'

import { Sync } from './sync'

const ana = myself('ana')

function message(channelId: string, seq: number): Message {
  return fixtures.message(seq, { id: `${channelId}-${seq}`, channel_id: channelId, client_msg_id: `k${channelId}${seq}` })
}

const base = { v: 1, workspace_id: 'w', actor_id: 'ben', time: TIME }

function created(channelId: string, seq: number): Envelope {
  return {
    ...base, id: `e${channelId}${seq}`, type: 'message.created', channel_id: channelId, ch_seq: seq,
    data: { message: message(channelId, seq) },
  }
}

function joined(channelId: string, seq: number, who: string): Envelope {
  return {
    ...base, id: `j${channelId}${seq}`, type: 'member.joined', channel_id: channelId, ch_seq: seq,
    data: { channel: channel(channelId, seq), user: person(who), role: 'member' },
  }
}

/** The part of the server that sync talks to. Each channel's events are the truth. */
let log: Map<string, Envelope[]>
let memberCount: number
let calls: string[]
/** Answers given before the real ones, by the start of the path. */
let failing: Map<string, Response[]>
let gate: Promise<void>

function snapshot(): Bootstrap {
  return {
    cursor: 'c1', me: ana, role: 'member', server_time: TIME,
    workspace: { id: 'w', name: 'W', slug: 'w', created_by: 'ana', created_at: TIME, history_policy: 'edits', permissions: {} },
    channels: [...log].map(([id, events]) => ({
      channel: channel(id, events.at(-1)?.ch_seq ?? 0), joined: true, member_count: memberCount, read_seq: 0,
      unread: 0, mentions: 0, preferences: { level: 'mentions', muted: false, section: null },
      muted_until: null,
    })),
    members: [
      { user: ana, role: 'member', muted_until: null }, { user: person('ben'), role: 'owner', muted_until: null },
    ],
    former: [],
    sidebar: { version: 0, sections: [] },
  }
}

function serve(url: string): Response {
  const { pathname, searchParams } = new URL(url, 'http://x')
  const path = pathname.replace('/api/v1', '')
  calls.push(path)
  const refused = failing.get(path)?.shift()
  if (refused !== undefined) return refused
  if (path === '/workspaces/w/bootstrap') return Response.json(snapshot())
  const id = path.split('/')[2] ?? ''
  const events = log.get(id) ?? []
  const last = events.at(-1)?.ch_seq ?? 0
  if (path.endsWith('/events')) {
    const missing = events.filter((event) => (event.ch_seq ?? 0) > Number(searchParams.get('after')))
    return Response.json({ items: missing.slice(0, 2), last_seq: last, has_more: missing.length > 2 })
  }
  if (path.startsWith('/users/')) return Response.json(person(id))
  return Response.json({ channel: channel(id, last), joined: true, member_count: memberCount })
}

let sync: Sync
let applied: string[]

beforeEach(() => {
  setActivePinia(createPinia())
  vi.spyOn(Math, 'random').mockReturnValue(0)
  log = new Map([['c', [created('c', 1), created('c', 2)]]])
  memberCount = 2
  calls = []
  failing = new Map()
  gate = Promise.resolve()
  vi.stubGlobal('fetch', async (url: string) => {
    await gate
    return serve(url)
  })
  openSession(session())
  applied = []
  sync = new Sync(useEntities(), { onCursor: () => undefined, onApplied: (event) => applied.push(event.id) })
})

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const store = () => useEntities()
const seqs = (id = 'c') => store().timelines.get(id)?.items.map((item) => item.ch_seq) ?? []
const soon = (check: () => void) => vi.waitFor(check, { timeout: 3_000, interval: 5 })

/** The event happens on the server, and comes over the stream when `deliver` is true. */
function happen(event: Envelope, deliver = true): void {
  log.get(event.channel_id ?? '')?.push(event)
  if (deliver) sync.onEvent(event)
}

async function opened(): Promise<void> {
  await sync.openWorkspace('w')
  store().timelines.set('c', EMPTY)
}

describe('live events', () => {
  it('are applied in order', async () => {
    await opened()
    happen(created('c', 3))
    happen(created('c', 4))
    expect(seqs()).toEqual([3, 4])
    expect(store().channels.get('c')).toMatchObject({ knownSeq: 4, channel: { last_msg_seq: 4 } })
  })

  it('that come twice count once', async () => {
    await opened()
    happen(joined('c', 3, 'carla'))
    sync.onEvent(joined('c', 3, 'carla'))
    expect(store().channels.get('c')?.memberCount).toBe(3)
    expect(applied).toEqual(['jc3'])
  })

  it('that the snapshot already holds change nothing', async () => {
    await opened()
    sync.onEvent(created('c', 2))
    expect(applied).toEqual([])
  })
})

describe('a gap', () => {
  it('is fetched, page by page, and what came meanwhile is applied after it', async () => {
    await opened()
    for (const seq of [3, 4, 5, 6]) happen(created('c', seq), false)
    happen(created('c', 7))
    happen(created('c', 8))
    await soon(() => expect(seqs()).toEqual([3, 4, 5, 6, 7, 8]))
    expect(applied).toEqual([3, 4, 5, 6, 7, 8].map((seq) => `ec${seq}`))
  })

  it('is tried again while the server is away', async () => {
    await opened()
    failing.set('/channels/c/events', [new Response(null, { status: 503 })])
    happen(created('c', 3), false)
    happen(created('c', 4))
    await soon(() => expect(seqs()).toEqual([3, 4]))
  })

  it('beyond the log drops the loaded history and goes on from the newest', async () => {
    await opened()
    failing.set('/channels/c/events', [Response.json({ code: 'events_expired' }, { status: 410 })])
    happen(created('c', 3), false)
    happen(created('c', 4))
    await soon(() => expect(store().timelines.has('c')).toBe(false))
    await soon(() => expect(store().channels.get('c')?.knownSeq).toBe(4))
    happen(created('c', 5))
    await soon(() => expect(store().channels.get('c')?.knownSeq).toBe(5))
  })

  it('in a channel that one may no longer read takes the channel away', async () => {
    await opened()
    failing.set('/channels/c/events', [Response.json({ code: 'not_found' }, { status: 404 })])
    happen(created('c', 4))
    await soon(() => expect(store().channels.has('c')).toBe(false))
  })
})

describe('the snapshot', () => {
  it('holds back events until it is there and loses none', async () => {
    let open = (): void => undefined
    gate = new Promise((resolve) => (open = resolve))
    const opening = sync.openWorkspace('w')
    sync.onEvent(created('c', 3))
    expect(applied).toEqual([])
    open()
    await opening
    await soon(() => expect(store().channels.get('c')?.knownSeq).toBe(3))
  })

  it('after a reset closes the gap of a loaded channel', async () => {
    await opened()
    happen(created('c', 3))
    for (const seq of [4, 5]) happen(created('c', seq), false)
    sync.onHello({ resumed: false, cursor: 'c9', server: 's', rotate_s: 600, connection: 'k' })
    await soon(() => expect(seqs()).toEqual([3, 4, 5]))
  })

  it('is not fetched again when the stream resumed', async () => {
    await opened()
    calls = []
    sync.onHello({ resumed: true, cursor: 'c9', server: 's', rotate_s: 600, connection: 'k' })
    expect(calls).toEqual([])
  })

  it('takes away channels that are gone', async () => {
    await opened()
    log.delete('c')
    sync.refetch()
    await soon(() => expect(store().channels.has('c')).toBe(false))
  })
})

describe('membership', () => {
  it('being added brings the channel with its true number of people', async () => {
    await opened()
    memberCount = 7
    log.set('new', [])
    happen(joined('new', 4, 'ana'))
    expect(store().channels.get('new')).toMatchObject({ joined: true, knownSeq: 4 })
    await soon(() => expect(store().channels.get('new')?.memberCount).toBe(7))
    happen(created('new', 5))
    expect(store().channels.get('new')?.knownSeq).toBe(5)
  })

  it('leaving takes the channel away', async () => {
    await opened()
    happen({
      ...base, id: 'l', type: 'member.left', channel_id: 'c', ch_seq: 3, data: { user_id: 'ana', reason: 'removed' },
    })
    expect(store().channels.has('c')).toBe(false)
  })

  it('a deleted channel goes away, although the departures of the others leave a gap before my own', async () => {
    await opened()
    const gone = { ...channel('c', 4), kind: 'private' } as const
    sync.onEvent({ ...base, id: 'p', type: 'channel.updated', channel_id: 'c', ch_seq: null, data: { channel: gone } })
    failing.set('/channels/c/events', [Response.json({ code: 'not_found' }, { status: 404 })])
    happen({
      ...base, id: 'l', type: 'member.left', channel_id: 'c', ch_seq: 9, data: { user_id: 'ana', reason: 'removed' },
    })
    await soon(() => expect(store().channels.has('c')).toBe(false))
  })

  it('somebody new in the workspace is known by name', async () => {
    await opened()
    sync.onEvent({
      ...base, id: 'n', type: 'workspace.member_joined', channel_id: null, ch_seq: null,
      data: { user: person('dora'), role: 'member' },
    })
    expect(store().users.get('dora')?.display_name).toBe('dora')
    expect(store().members.get('w')?.get('dora')).toBe('member')
  })
})

describe('a change of what is there', () => {
  it('an edit changes the message and is nothing new to read', async () => {
    await sync.openWorkspace('w')
    const store = useEntities()
    store.timelines.set('c', { items: [message('c', 3)], hasBefore: false, hasAfter: false })
    sync.onEvent(created('c', 3))
    const { last_msg_seq: before } = store.channels.get('c')?.channel ?? {}
    const edited = { ...message('c', 3), text: 'better', edited_at: TIME }
    sync.onEvent({ ...created('c', 4), type: 'message.updated', data: { message: edited } })
    expect(store.timelines.get('c')?.items.map((item) => item.text)).toEqual(['better'])
    expect(store.channels.get('c')).toMatchObject({ knownSeq: 4, channel: { last_msg_seq: before } })
    const deleted = { ...edited, text: '', deleted_at: TIME }
    sync.onEvent({ ...created('c', 5), type: 'message.deleted', data: { message: deleted } })
    expect(store.timelines.get('c')?.items[0]).toMatchObject({ text: '', deleted_at: TIME })
  })

  it('a channel is archived, and opened again', async () => {
    await sync.openWorkspace('w')
    const store = useEntities()
    const archived = (seq: number, at: string | null) =>
      ({ ...created('c', seq), type: 'channel.archived', data: { channel: { ...channel('c', seq), archived_at: at } } }) as const
    sync.onEvent(archived(3, TIME))
    expect(store.channels.get('c')?.channel.archived_at).toBe(TIME)
    sync.onEvent(archived(4, null))
    expect(store.channels.get('c')?.channel.archived_at).toBeNull()
  })
})

describe('a channel that becomes private', () => {
  const closed = (id: string, seq: number | null) =>
    ({ ...created(id, 3), ch_seq: seq, type: 'channel.updated', data: { channel: { ...channel(id, 3), kind: 'private' } } }) as const

  it('stays with its people', async () => {
    await sync.openWorkspace('w')
    sync.onEvent(closed('c', null))
    sync.onEvent(closed('c', 3))
    expect(store().channels.get('c')).toMatchObject({ joined: true, knownSeq: 3, channel: { kind: 'private' } })
  })

  it('is gone for everybody else', async () => {
    await sync.openWorkspace('w')
    store().setChannel(channel('other', 2))
    sync.onEvent(closed('other', null))
    expect(store().channels.has('other')).toBe(false)
  })
})

it('a role changes for all to see, and for me', async () => {
  await sync.openWorkspace('w')
  store().setWorkspaces([{ workspace: snapshot().workspace, role: 'member' }])
  sync.onEvent({
    ...created('c', 3), channel_id: null, ch_seq: null, type: 'workspace.member_updated', data: { user_id: 'ana', role: 'admin' },
  })
  expect(store().members.get('w')?.get('ana')).toBe('admin')
  expect(store().workspaces.get('w')?.role).toBe('admin')
})

it.each(['guest', 'member'] as const)('who was %s and sees more or less from now on asks what there is', async (before) => {
  await sync.openWorkspace('w')
  const after = before === 'guest' ? 'member' : 'guest'
  const asked = () => calls.filter((call) => call.endsWith('/bootstrap')).length
  const told = (role: 'guest' | 'member' | 'admin') =>
    sync.onEvent({
      ...created('c', 3), channel_id: null, ch_seq: null, type: 'workspace.member_updated', data: { user_id: 'ana', role },
    })
  store().setWorkspaces([{ workspace: snapshot().workspace, role: before }])
  told(before)
  expect(asked()).toBe(1)
  told(after)
  await soon(() => expect(asked()).toBe(2))
})

it('what a channel says by itself is shown and makes nothing unread', async () => {
  await opened()
  const event = created('c', 3)
  if (event.type !== 'message.created') throw new Error('no message')
  const system = note('joined', { user_ids: ['ben'], count: 1 })
  const said = { ...event.data.message, system }
  happen({ ...event, data: { message: said } })
  expect(seqs()).toEqual([3])
  expect(store().channels.get('c')).toMatchObject({ knownSeq: 3, lastNoteSeq: 3, channel: { last_msg_seq: 2 } })
  const folded = { ...said, system: { ...system, user_ids: ['ben', 'carla'], count: 2 } }
  happen({ ...event, id: 'f', ch_seq: 4, type: 'message.updated', data: { message: folded } })
  expect(store().timelines.get('c')?.items).toEqual([folded])
})

describe('what moderators do', () => {
  const LATER = '2026-11-21T05:00:00.000Z'
  const toMe = { ...base, channel_id: null, ch_seq: null }
  const muted = (seq: number, who: string, until: string | null): Envelope => ({
    ...base, id: `m${seq}`, type: 'member.updated', channel_id: 'c', ch_seq: seq,
    data: { user_id: who, role: 'member', muted_until: until },
  })

  it('mutes me in a channel, and lifts it', async () => {
    await opened()
    happen(muted(3, 'ben', LATER))
    expect(store().channels.get('c')).toMatchObject({ knownSeq: 3, mutedUntil: null })
    happen(muted(4, 'ana', LATER))
    happen(created('c', 5))
    expect(store().channels.get('c')).toMatchObject({ knownSeq: 5, mutedUntil: LATER })
    happen(muted(6, 'ana', null))
    expect(store().channels.get('c')?.mutedUntil).toBe(null)
  })

  it('mutes me in all of the workspace, which the list of workspaces does not undo', async () => {
    await opened()
    sync.onEvent({
      ...toMe, id: 'wm', type: 'workspace.member_updated', data: { user_id: 'ana', role: 'moderator', muted_until: LATER },
    })
    store().setWorkspaces([{ workspace: snapshot().workspace, role: 'moderator' }])
    expect(store().workspaces.get('w')).toMatchObject({ role: 'moderator', mutedUntil: LATER })
    expect(store().members.get('w')?.get('ana')).toBe('moderator')
  })

  it('is in the snapshot, with who is deactivated by name', async () => {
    const before = snapshot()
    const told: Bootstrap = {
      ...before,
      channels: before.channels.map((item) => ({ ...item, muted_until: LATER })),
      members: [{ user: ana, role: 'member', muted_until: LATER }],
      former: [{ user: person('zoe'), deactivated_at: TIME }],
    }
    failing.set('/workspaces/w/bootstrap', [Response.json(told)])
    await sync.openWorkspace('w')
    expect(store().channels.get('c')?.mutedUntil).toBe(LATER)
    expect(store().workspaces.get('w')?.mutedUntil).toBe(LATER)
    expect(store().users.has('zoe')).toBe(true)
    expect(store().members.get('w')?.has('zoe')).toBe(false)
  })

  it('makes a channel slow', async () => {
    await opened()
    happen({
      ...base, id: 's', type: 'channel.updated', channel_id: 'c', ch_seq: 3,
      data: { channel: channel('c', 3, { slow_mode_s: 30 }) },
    })
    expect(store().channels.get('c')?.channel.slow_mode_s).toBe(30)
  })

  it('a ban closes also a channel that I am not in', async () => {
    await opened()
    store().setChannel(channel('other', 2))
    const ban = (who: string, banned: boolean) =>
      sync.onEvent({
        ...toMe, channel_id: 'other', id: 'b', type: 'ban.updated', data: { channel_id: 'other', user_id: who, banned },
      })
    ban('ben', true)
    ban('ana', false)
    expect(store().channels.has('other')).toBe(true)
    ban('ana', true)
    expect(store().channels.has('other')).toBe(false)
  })

  it('a kick takes the channel away as leaving does', async () => {
    await opened()
    const data = { user_id: 'ana', reason: 'removed', removal: 'kicked' } as const
    happen({ ...base, id: 'k', type: 'member.left', channel_id: 'c', ch_seq: 3, data })
    expect(store().channels.has('c')).toBe(false)
  })
})

describe('what people say of themselves', () => {
  const anywhere = { ...base, channel_id: null, ch_seq: null }

  it('a status is there for all, and on my own account', async () => {
    await opened()
    const status = { emoji: '🌴', text: 'away', until: null }
    sync.onEvent({ ...anywhere, id: 'u1', type: 'user.updated', data: { user: person('ben', { status }) } })
    sync.onEvent({ ...anywhere, id: 'u2', type: 'user.updated', data: { user: person('ana', { status }) } })
    expect(store().users.get('ben')?.status).toEqual(status)
    expect(store().me).toMatchObject({ status, email: ana.email, presence: ana.presence })
  })

  it('how I want to appear follows my other devices', async () => {
    await opened()
    const presence = { ...ana.presence, state: 'away' } as const
    sync.onEvent({ ...anywhere, id: 'p', type: 'presence.updated', data: { user_id: 'ana', presence } })
    expect(store().me?.presence).toEqual(presence)
  })

  it('how I arranged my channels follows my other devices; an older arrangement does not come back', async () => {
    await opened()
    const sections = [{ id: 'w', kind: 'custom' as const, name: 'Work', channel_ids: ['c'], collapsed: false }]
    const arranged = (version: number, is: typeof sections): Envelope =>
      ({ ...base, id: `s${version}`, type: 'sidebar.updated', channel_id: null, ch_seq: null, data: { sidebar: { version, sections: is } } })
    sync.onEvent(arranged(2, sections))
    sync.onEvent(arranged(1, []))
    expect(store().sidebars.get('w')?.sections).toEqual(sections)
    store().forgetChannel('c')
    expect(store().sidebars.get('w')?.sections[0]?.channel_ids).toEqual([])
  })
})

it.each(['notice.created', 'report.created', 'notification.created', 'scheduled.updated', 'reminder.due'])(
  '%s is not for this page and changes nothing',
  async (type) => {
    await opened()
    const before = store().channels.get('c')
    sync.onEvent({ ...base, id: type, type, channel_id: null, ch_seq: null, data: {} } as unknown as Envelope)
    expect(store().channels.get('c')).toBe(before)
  },
)

it('a type from the future moves the channel on and breaks nothing', async () => {
  await opened()
  happen({ ...created('c', 3), type: 'message.sparkled' } as unknown as Envelope)
  happen(created('c', 4))
  expect(seqs()).toEqual([4])
})

it('hello without resume and reset together: the later snapshot undoes no event', async () => {
  await opened()
  const before = snapshot()
  const answers: (() => void)[] = []
  vi.stubGlobal('fetch', (url: string) => {
    if (!url.endsWith('/bootstrap')) return Promise.resolve(serve(url))
    return new Promise<Response>((resolve) => answers.push(() => resolve(Response.json(before))))
  })
  sync.onHello({ resumed: false, cursor: 'c2', server: 's', rotate_s: 600, connection: 'k' } as Hello)
  sync.refetch()
  await soon(() => expect(answers).not.toHaveLength(0))
  answers[0]?.()
  await soon(() => expect(answers).toHaveLength(2))
  await new Promise((resolve) => setTimeout(resolve, 20))
  log.set('new', [])
  happen(joined('new', 1, 'ana'))
  answers[1]?.()
  await soon(() => expect(applied).toContain('jnew1'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(answers).toHaveLength(2)
  expect(store().channels.get('new')?.joined).toBe(true)
})

it('a workspace that is not open is left alone', async () => {
  await opened()
  sync.onEvent({ ...created('other', 1), workspace_id: 'w2' })
  expect(store().channels.has('other')).toBe(false)
})
