import { describe, expect, it } from 'vitest'

import { atRest } from '@/api/onDisk'
import { Problem } from '@/api/problem'
import { STALE_MS } from '@/api/retry'
import type { Message } from '@/api/types'
import { message } from '@/testing/fixtures'

import { reacted, withReaction } from './reactions'
import type { Asked, Wish } from './wishes'
import {
  isOfKind, nextToFulfil, toFulfil, withDelayed, withFulfilled, withRefused, withStaleAsked, withWish, withWishes,
} from './wishes'

let count = 0
const wish = (asked: Asked, patch: Partial<Wish> = {}): Wish => ({
  ...asked, id: `${++count}`.padStart(6, '0'), userId: 'ana', channelId: 'c', messageId: 'm1',
  at: 0, state: 'queued', tried: false, attempts: 0, failure: null, ...patch,
})
const text = (wanted: string, had = '1'): Asked => ({ kind: 'text', wanted, had })
const gone: Asked = { kind: 'gone', wanted: true, had: false }
const back: Asked = { kind: 'gone', wanted: false, had: true }
const liked = (wanted: boolean, emoji = '👍'): Asked => ({ kind: 'reaction', emoji, wanted, had: !wanted })
const all = (...asked: Asked[]) => asked.reduce<readonly Wish[]>((wishes, one) => withWish(wishes, wish(one)), [])
const told = (wishes: readonly Wish[]) => wishes.map(({ kind, emoji = '', wanted }) => `${kind}${emoji} ${wanted}`)
const refused = new Problem(409, 'message_deleted', 'Gone.', 'r1')

describe('what nobody has sent yet', () => {
  it('is nothing when it ends where it began', () => {
    expect(all(liked(true), liked(false))).toEqual([])
    expect(all(text('2'), text('1', '2'))).toEqual([])
    expect(all(gone, back)).toEqual([])
    expect(all(text('1'))).toEqual([])
  })

  it('is the last of each kind, in the place of the first', () => {
    expect(told(all(text('2'), liked(true), liked(true, '🎉'), text('3', '2'), liked(false)))).toEqual(['text 3', 'reaction🎉 true'])
    expect(all(text('2'), text('3', '2'))[0]).toMatchObject({ wanted: '3', had: '1' })
  })

  it('is only its end when the message shall be gone, and whole again when it shall not', () => {
    const kept: Asked = { kind: 'saved', wanted: true, had: false }
    const wishes = all(text('2'), liked(true), kept, gone)
    expect(told(toFulfil(wishes))).toEqual(['gone true', 'saved true'])
    expect(told(toFulfil(withWish(wishes, wish(back))))).toEqual(['text 2', 'reaction👍 true', 'saved true'])
  })
})

describe('what is on its way', () => {
  const sent = wish(liked(true), { state: 'sending', tried: true })

  it('is followed by what is wanted last, and by nothing when that is the same', () => {
    const off = withWish([sent], wish(liked(false)))
    expect(told(withFulfilled(off, sent))).toEqual(['reaction👍 false'])
    expect(withFulfilled(withWish(off, wish(liked(true))), sent)).toEqual([])
  })

  it('may have been done although no answer came', () => {
    const delayed = withDelayed([sent], sent)
    expect(delayed[0]).toMatchObject({ state: 'queued', attempts: 1, tried: true })
    expect(told(withWish(delayed, wish(liked(false))))).toEqual(['reaction👍 false'])
  })

  it('takes with it what the message had to be told before', () => {
    const end = wish(gone, { state: 'sending', tried: true })
    expect(withFulfilled([wish(text('2')), wish(liked(true)), end], end)).toEqual([])
  })

  it('goes again after a reload', () => expect(atRest(sent)).toMatchObject({ state: 'queued', tried: true }))
})

describe('what the server refuses', () => {
  it('is taken back', () => {
    const sent = wish(liked(true), { tried: true })
    expect(withRefused([sent], sent, refused)).toEqual([])
    expect(withRefused(withWish([sent], wish(liked(false))), sent, refused)).toEqual([])
  })

  it('is kept when somebody wrote it, beside the text that stands, until they write another one', () => {
    const sent = wish(text('2'), { tried: true })
    const failed = withRefused([sent], sent, refused)
    expect(failed[0]).toMatchObject({ wanted: '2', state: 'failed', failure: { code: 'message_deleted', detail: 'Gone.', requestId: 'r1' } })
    expect(withWishes(message(1), failed, 'ana').text).toBe('1')
    expect(toFulfil(failed)).toEqual([])
    expect(withWish(failed, wish(text('3')))).toMatchObject([{ wanted: '3', state: 'queued', had: '1' }])
    expect(withWish(failed, wish(text('1')))).toEqual([])
  })
})

it('asks after a day', () => {
  const old = wish(gone)
  expect(withStaleAsked(old, STALE_MS - 1)).toBe(old)
  expect(withStaleAsked(old, STALE_MS)).toMatchObject({ state: 'failed', failure: { code: 'stale' } })
})

it('is told in the order in which somebody had it, over all messages of a channel', () => {
  const first = all(liked(true))
  const second = all(text('2'))
  expect(nextToFulfil([second, first])).toBe(first[0])
  expect(nextToFulfil([[], []])).toBeUndefined()
})

/** Whatever somebody clicks, and whatever the network does to it: nothing is done twice, and nothing that is not wanted. */
describe('by chance', () => {
  const EMOJI = ['👍', '🎉']

  function chance(seed: number): (below: number) => number {
    let state = seed
    return (below) => {
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below
    }
  }

  /** A server that minds nothing but being asked about a message that is gone. */
  class World {
    readonly server = { text: '1', gone: false, reactions: message(1).reactions, pinned: false, saved: false }
    wishes: readonly Wish[] = []
    requests: string[] = []
    texts = 1

    constructor(readonly random: (below: number) => number) {}

    get stored(): Message {
      const { gone: deleted, pinned, ...rest } = this.server
      const message_ = { ...message(1), text: rest.text, reactions: rest.reactions, pinned: pinned ? { by: 'ana', at: '' } : null }
      return deleted ? { ...message_, deleted_at: 'then', text: '', reactions: [], pinned: null } : message_
    }

    get shown(): string {
      const { deleted_at: at, text: words, reactions, pinned } = withWishes(this.stored, this.wishes, 'ana')
      const mine = EMOJI.filter((emoji) => reacted(reactions, emoji, 'ana'))
      return at === null ? `${words} ${mine.join('')} ${pinned !== null}` : 'gone'
    }

    want(asked: Asked): void {
      this.wishes = withWish(this.wishes, wish(asked))
    }

    click(): void {
      const shown = withWishes(this.stored, this.wishes, 'ana')
      const deleted = shown.deleted_at !== null
      const kind = deleted ? 4 : this.random(5)
      const emoji = EMOJI[this.random(2)] ?? ''
      if (deleted && this.random(2) === 0) return
      if (kind === 0) this.want(text(this.random(3) === 0 ? '1' : `${++this.texts}`, shown.text))
      else if (kind <= 2) this.want({ ...liked(!reacted(shown.reactions, emoji, 'ana'), emoji) })
      else if (kind === 3) this.want({ kind: 'pinned', wanted: shown.pinned === null, had: shown.pinned !== null })
      else this.want(deleted ? back : gone)
    }

    do({ kind, emoji = '', wanted }: Wish): void {
      this.requests.push(`${kind}${emoji}`)
      if (kind === 'gone') this.server.gone = wanted === true
      else expect(this.server.gone, 'a message that is gone is asked for nothing').toBe(false)
      if (kind === 'text') this.server.text = String(wanted)
      else if (kind === 'pinned') this.server.pinned = wanted === true
      else if (kind === 'reaction') this.server.reactions = [...withReaction(this.server.reactions, emoji, 'ana', wanted === true)]
    }

    /** `lose`: the request, or its answer, does not arrive now and then. False when nothing is to be done. */
    step(lose: boolean, clicks: boolean): boolean {
      const next = nextToFulfil([this.wishes])
      if (next === undefined) return false
      const sent: Wish = { ...next, state: 'sending', tried: true }
      this.wishes = this.wishes.map((one) => (one.id === sent.id ? sent : one))
      if (clicks && this.random(3) === 0) this.click()
      const fate = lose ? this.random(3) : 0
      const before = this.shown
      const restores = next.kind === 'gone' && next.wanted === false
      if (fate < 2) this.do(sent)
      this.wishes = fate === 0 ? withFulfilled(this.wishes, sent) : withDelayed(this.wishes, sent)
      // What one sees is what becomes of it. What was deleted is seen again only when it is there.
      if (!restores && !this.wishes.some((one) => isOfKind(one, back) && one.wanted === false)) expect(this.shown).toBe(before)
      return true
    }
  }

  it('what is clicked without the network is one request for each thing that is otherwise in the end', () => {
    for (let seed = 0; seed < 400; seed++) {
      const world = new World(chance(seed))
      for (let clicks = 0; clicks < 12; clicks++) world.click()
      const { shown } = world
      while (world.step(false, false));
      expect(world.shown).toBe(shown)
      expect(new Set(world.requests).size).toBe(world.requests.length)
      if (world.server.gone) expect(world.requests).toEqual(['gone'])
      else expect(world.requests).not.toContain('gone')
    }
  })

  it('what is clicked while requests and answers get lost is so in the end', () => {
    for (let seed = 0; seed < 400; seed++) {
      const world = new World(chance(seed))
      for (let turn = 0; turn < 30; turn++) {
        if (world.random(2) === 0) world.click()
        else world.step(true, true)
      }
      while (world.step(false, false));
      expect(world.wishes).toEqual([])
    }
  })
})
