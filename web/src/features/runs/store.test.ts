import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Run, RunDelta } from '@/api/ai'
import type { Envelope } from '@/api/events'
import { closeSession, openSession } from '@/api/session'
import { session } from '@/testing/fixtures'

import { useRuns } from './store'

function run(id: string, patch: Partial<Run> = {}): Run {
  return {
    id, workspace_id: 'w', channel_id: 'c', asker_id: 'ana', command: 'ask', prompt: 'why?', state: 'running',
    created_at: '2026-11-24T20:00:00.000Z', thread_id: null, trigger_message_id: null, attempt: 1, text: '', model: 'm',
    citations: [], prompt_tokens: 0, completion_tokens: 0, finished_at: null, error: null, message_id: null, ...patch,
  }
}

const delta = (id: string, offset: number, text: string, attempt = 1): RunDelta => ({
  type: 'run.delta', workspace_id: 'w', channel_id: 'c', run_id: id, attempt, offset, text,
})

function event(type: 'run.started' | 'run.finished', data: Run): Envelope {
  const time = '2026-11-24T20:00:00.000Z'
  return { id: 'e', type, v: 1, workspace_id: 'w', channel_id: 'c', ch_seq: null, actor_id: 'bot', time, data: { run: data } }
}

/** What the server holds: the test changes it, the store asks for it. */
let server: Map<string, Run>
let asked: string[]

const texts = () => useRuns().ofChannel('c').map(({ run: { id }, text }) => [id, text])

beforeEach(() => {
  setActivePinia(createPinia())
  server = new Map()
  asked = []
  openSession(session())
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url)
    const [, id] = /\/runs\/(\w+)/.exec(url) ?? []
    if (id === undefined) {
      const items = [...server.values()].filter((item) => item.state === 'running')
      return Promise.resolve(Response.json({ items }))
    }
    const found = server.get(id)
    return Promise.resolve(found ? Response.json({ run: found }) : Response.json({ code: 'not_found' }, { status: 404 }))
  })
})

afterEach(() => {
  vi.unstubAllGlobals()
  closeSession()
})

describe('runs of the open conversation', () => {
  it('that are under way are there after a reload, with the text so far', async () => {
    server.set('a', run('a', { text: 'So far' }))
    const runs = useRuns()
    await runs.open('c')
    runs.onSign(delta('a', 6, ', so good'))
    expect(texts()).toEqual([['a', 'So far, so good']])
  })

  it('heal a hole by asking once, with what came meanwhile on top', async () => {
    const runs = useRuns()
    await runs.open('c')
    runs.onEvent(event('run.started', run('a')))
    server.set('a', run('a', { text: 'one two' }))
    runs.onSign(delta('a', 4, 'two'))
    runs.onSign(delta('a', 7, ' three'))
    await vi.waitFor(() => expect(texts()).toEqual([['a', 'one two three']]))
    expect(asked.filter((url) => url.endsWith('/runs/a'))).toHaveLength(1)
  })

  it('begin anew when another process took over', async () => {
    const runs = useRuns()
    await runs.open('c')
    runs.onEvent(event('run.started', run('a')))
    runs.onSign(delta('a', 0, 'first try'))
    server.set('a', run('a', { attempt: 2, text: 'second' }))
    runs.onSign(delta('a', 6, ' try', 2))
    await vi.waitFor(() => expect(texts()).toEqual([['a', 'second try']]))
  })

  it('give way to their message, and late deltas do not bring them back', async () => {
    const runs = useRuns()
    await runs.open('c')
    runs.onEvent(event('run.started', run('a')))
    runs.onSign(delta('a', 0, 'done'))
    runs.onEvent({
      ...event('run.finished', run('a')),
      type: 'message.created',
      data: { message: { ai: { run_id: 'a' } } },
    } as unknown as Envelope)
    expect(texts()).toEqual([])
    runs.onSign(delta('a', 0, 'done'))
    runs.onEvent(event('run.finished', run('a', { state: 'done', message_id: 'm' })))
    expect(texts()).toEqual([])
  })

  it('that failed stay with their reason until they are put away', async () => {
    const runs = useRuns()
    await runs.open('c')
    runs.onEvent(event('run.started', run('a')))
    runs.onSign(delta('a', 0, 'half'))
    runs.onEvent(event('run.finished', run('a', { state: 'failed', error: 'model_unavailable' })))
    expect(texts()).toEqual([['a', 'half']])
    expect(runs.ofChannel('c')[0]?.run.error).toBe('model_unavailable')
    runs.dismiss('a')
    expect(texts()).toEqual([])
  })

  it('that ended while the stream was away are found out', async () => {
    server.set('a', run('a', { text: 'x' }))
    const runs = useRuns()
    await runs.open('c')
    server.set('a', run('a', { state: 'done', message_id: 'm' }))
    await runs.refresh()
    await vi.waitFor(() => expect(texts()).toEqual([]))
  })

  it('of other conversations are none of ours', async () => {
    const runs = useRuns()
    await runs.open('c')
    runs.onEvent(event('run.started', run('a', { channel_id: 'd' })))
    runs.onSign({ ...delta('a', 0, 'x'), channel_id: 'd' })
    expect(asked.filter((url) => url.endsWith('/runs/a'))).toHaveLength(0)
    expect(runs.ofChannel('d')).toEqual([])
  })
})
