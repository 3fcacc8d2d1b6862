import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import type { Envelope } from '@/api/events'
import { closeSession, openSession } from '@/api/session'
import type { Message, Reaction } from '@/api/types'
import { applyEvent } from '@/entities/apply'
import { useEntities } from '@/entities/store'
import { message, myself, session, TIME } from '@/testing/fixtures'

import { useReactions } from './reactions'

interface Asked {
  line: string
  answer: (status: number) => void
}

let asked: Asked[]

beforeEach(() => {
  asked = []
  setActivePinia(createPinia())
  openSession(session())
  const store = useEntities()
  store.setMe(myself('ana'))
  store.timelines.set('c', { items: [message(1)], hasBefore: false, hasAfter: false })
  vi.stubGlobal('fetch', (url: string, init: RequestInit) =>
    new Promise<Response>((resolve) => {
      const line = `${init.method} ${decodeURIComponent(url)}`
      // The server's list in an answer may be older than what events tell; the page must not rest on it.
      asked.push({ line, answer: (status) => resolve(Response.json({ message: message(1), code: 'muted' }, { status })) })
    }),
  )
})

afterEach(() => {
  vi.unstubAllGlobals()
  closeSession()
})

const stored = (): Message => useEntities().timelines.get('c')?.items[0] as Message
const shown = () => useReactions().of(stored()).map(({ emoji, user_ids: people }) => `${emoji} ${people.join(' ')}`)

function told(seq: number, reactions: Reaction[]): void {
  const event: Envelope = {
    id: `e${seq}`, type: 'reaction.added', v: 1, workspace_id: 'w', channel_id: 'c', ch_seq: seq, actor_id: 'ben', time: TIME,
    data: { message_id: 'm1', user_id: 'ben', emoji: '👍', reactions },
  }
  applyEvent(useEntities(), event)
}

async function request(number: number): Promise<Asked> {
  return vi.waitFor(() => asked[number] ?? Promise.reject(new Error(`only ${asked.length} requests`)))
}

it('is shown at once, and stays whatever others do while it is on its way', async () => {
  const done = useReactions().toggle(stored(), '👍')
  expect(shown()).toEqual(['👍 ana'])
  told(2, [{ emoji: '❤️', user_ids: ['ben'] }])
  expect(shown()).toEqual(['❤️ ben', '👍 ana'])
  const { line, answer } = await request(0)
  expect(line).toBe('PUT /api/v1/messages/m1/reactions/👍')
  answer(200)
  await done
  expect(shown()).toEqual(['❤️ ben', '👍 ana'])
})

it("counts once when the event is here before the answer, and the server's numbers win", async () => {
  const done = useReactions().toggle(stored(), '👍')
  told(2, [{ emoji: '👍', user_ids: ['ana', 'ben', 'eva'] }])
  expect(shown()).toEqual(['👍 ana ben eva'])
  ;(await request(0)).answer(200)
  await done
  expect(shown()).toEqual(['👍 ana ben eva'])
})

it('is gone again when the server refuses it, and the reason is thrown', async () => {
  const done = useReactions().toggle(stored(), '👍')
  ;(await request(0)).answer(403)
  await expect(done).rejects.toMatchObject({ code: 'muted' })
  expect(shown()).toEqual([])
})

it('changed twice while on its way asks once more for what is wanted last, and not for what lay between', async () => {
  const reactions = useReactions()
  const done = reactions.toggle(stored(), '👍')
  const first = await request(0)
  for (let times = 0; times < 3; times++) void reactions.toggle(stored(), '👍')
  expect(shown()).toEqual([])
  first.answer(200)
  const second = await request(1)
  expect(second.line).toBe('DELETE /api/v1/messages/m1/reactions/👍')
  second.answer(200)
  await done
  expect([shown(), asked.length]).toEqual([[], 2])
})
