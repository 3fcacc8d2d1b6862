/**
 * Wishes on their way: seen at once, written to disk, and told to the server in the background until it has answered.
 *
 * One request is in flight per channel, so the order is kept there; a Web Lock keeps that true between tabs, and a
 * BroadcastChannel lets every tab see what another one wants. The tab that somebody wished in sees to it and, when it is closed,
 * another one. Whatever is sent can be sent twice, so a lost answer does no harm.
 */
import { defineStore } from 'pinia'
import { computed, shallowReactive, toRaw } from 'vue'

import { exclusively } from '@/api/exclusive'
import { uuidv7 } from '@/api/ids'
import { Problem } from '@/api/problem'
import { retryDelay } from '@/api/retry'
import { Turns } from '@/api/turns'
import type { Message } from '@/api/types'

import { fulfil } from './fulfil'
import { useEntities } from './store'
import type { Asked, Wish, WishKind } from './wishes'
import { isOfKind, nextToFulfil, toFulfil, withDelayed, withFulfilled, withRefused, withStaleAsked, withWish, withWishes } from './wishes'
import { wishStorage } from './wishStorage'

/** What became of a wish: the message as the server has it, or why it does not want it so. */
export interface Answer {
  readonly message: Message | null
  readonly problem: Problem | null
}
type Listener = (wish: Wish, answer: Answer) => void

const NONE: readonly Wish[] = []
/** Whoever waits longer than this may be overtaken by another device. */
const SURE_MS = 1_000

export const useWishes = defineStore('wishes', () => {
  const entities = useEntities()
  /** By message. */
  const all = shallowReactive(new Map<string, readonly Wish[]>())
  const pumping = new Set<string>()
  const wakers = new Map<string, () => void>()
  /** When something of a channel could not be sent last. */
  const failedAt = new Map<string, number>()
  const listeners = new Set<Listener>()
  /** Ids that the disk has taken. Only of these does a missing one say that another tab has seen to it. */
  const written = new Set<string>()
  const turns = new Turns('wishes.wish', (id) => {
    const wish = [...all.values()].flat().find((one) => one.id === id)
    if (wish !== undefined) void pump(wish.channelId)
  })
  /** What was made of a message, for as long as neither it nor the wishes change: rows compare by identity. */
  const made = new WeakMap<Message, { wishes: readonly Wish[]; shown: Message }>()
  let isHeldBack: (channelId: string, wishId: string) => boolean = () => false
  let disk: Promise<unknown> = Promise.resolve()
  let version = 0
  let owner = ''
  let tabs: BroadcastChannel | null = null

  const unsent = computed(() => [...all.values()].reduce((sum, wishes) => sum + toFulfil(wishes).length, 0))

  /** Only of what is on disk do other tabs know. */
  function takeTurns(): void {
    const open = [...all.values()].flatMap((wishes) => toFulfil(wishes))
    turns.follow(open.map(({ id }) => id).filter((id) => written.has(id)))
  }

  const of = (messageId: string): readonly Wish[] => all.get(messageId) ?? NONE

  /** What is wanted of this kind; undefined: nothing. */
  function wanted(messageId: string, kind: WishKind, emoji = ''): string | boolean | undefined {
    return of(messageId).find((wish) => wish.state !== 'failed' && isOfKind(wish, { kind, emoji }))?.wanted
  }

  /** The message as it will be. */
  function shown(message: Message): Message {
    const wishes = all.get(message.id)
    if (wishes === undefined) return message
    const known = made.get(message)
    if (known?.wishes === wishes) return known.shown
    const next = withWishes(message, wishes, entities.myId)
    made.set(message, { wishes, shown: next })
    return next
  }

  function shownAll(messages: readonly Message[]): readonly Message[] {
    // `size` hears of every change; a list may be long, so its messages are not watched one by one.
    if (all.size === 0) return messages
    const wished = toRaw(all)
    return messages.map((message) => (wished.has(message.id) ? shown(message) : message))
  }

  /** It is seen when this returns. */
  function want({ id: messageId, channel_id: channelId }: Pick<Message, 'id' | 'channel_id'>, asked: Asked): void {
    const fresh: Wish = {
      ...asked, id: uuidv7(), userId: entities.myId, channelId, messageId,
      at: Date.now(), state: 'queued', tried: false, attempts: 0, failure: null,
    }
    set(messageId, withWish(of(messageId), fresh))
    void disk.then(() => wake(channelId))
  }

  /** Says that it shall be done nevertheless. */
  function retry(wish: Wish): void {
    const anyway = wish.anyway === true || wish.failure?.code === 'edited_elsewhere'
    change(wish, { ...wish, state: 'queued', at: Date.now(), attempts: 0, failure: null, anyway })
    void disk.then(() => pump(wish.channelId))
  }

  function drop(wish: Wish): void {
    set(wish.messageId, of(wish.messageId).filter(({ id }) => id !== wish.id))
  }

  function change(wish: Wish, next: Wish): void {
    set(wish.messageId, of(wish.messageId).map((known) => (known.id === wish.id ? next : known)))
  }

  /** The one place where wishes change here: the disk and the other tabs follow. */
  function set(messageId: string, wishes: readonly Wish[]): void {
    const before = of(messageId)
    if (before === wishes) return
    version += 1
    if (wishes.length === 0) all.delete(messageId)
    else all.set(messageId, wishes)
    const gone = before.filter(({ id }) => !wishes.some((wish) => wish.id === id))
    const fresh = wishes.filter((wish) => !before.includes(wish))
    disk = disk.then(() => write(fresh, gone))
  }

  async function write(fresh: readonly Wish[], gone: readonly Wish[]): Promise<void> {
    try {
      for (const { id } of gone) {
        written.delete(id)
        await wishStorage.remove(id)
      }
      for (const wish of fresh) if (await wishStorage.put(wish)) written.add(wish.id)
    } catch {
      // The disk is full or blocked: it waits in memory, as it does without a database.
    }
    takeTurns()
    tabs?.postMessage('changed')
  }

  /** As the disk has it, but for what only this tab knows. */
  async function read(): Promise<void> {
    let seen: number
    let kept: readonly Wish[]
    const me = owner
    do {
      seen = version
      await disk
      kept = await wishStorage.all(me)
    } while (seen !== version && owner === me)
    if (owner !== me) return
    const own = [...all.values()].flat().filter((wish) => wish.state === 'sending' || !written.has(wish.id))
    const known = new Set(own.map(({ id }) => id))
    all.clear()
    for (const wish of [...kept.filter(({ id }) => !known.has(id)), ...own]) all.set(wish.messageId, [...of(wish.messageId), wish])
    for (const { id } of kept) written.add(id)
    takeTurns()
  }

  /** What an earlier page left behind, and what other tabs want. */
  async function restore(): Promise<void> {
    if (owner !== entities.myId) {
      pause()
      owner = entities.myId
      tabs = new BroadcastChannel(`tertulia.wishes.${owner}`)
      tabs.addEventListener('message', () => void read())
    }
    await read()
    retryAll()
  }

  /** Ends every wait: the network is back, or the person asks for it. */
  function retryAll(): void {
    for (const wishes of all.values()) for (const { channelId } of wishes) wake(channelId)
  }

  function wake(channelId: string): void {
    wakers.get(channelId)?.()
    void pump(channelId)
  }

  function next(channelId: string): Wish | undefined {
    const due = nextToFulfil([...all.values()].filter(([wish]) => wish?.channelId === channelId))
    return due === undefined || isHeldBack(channelId, due.id) ? undefined : due
  }

  async function pump(channelId: string): Promise<void> {
    if (pumping.has(channelId)) return
    pumping.add(channelId)
    try {
      for (let due = next(channelId); due !== undefined; due = next(channelId)) {
        const tried = due
        const wait = await exclusively(`wishes.${channelId}`, () => attempt(tried).finally(() => disk))
        // What was given up meanwhile is not waited for.
        if (wait > 0 && of(tried.messageId).some(({ id }) => id === tried.id)) await sleep(channelId, wait)
      }
    } finally {
      pumping.delete(channelId)
    }
  }

  /** One try, of what is wanted now. Returns how long to wait before the next one, in ms. */
  async function attempt({ id, messageId }: Wish): Promise<number> {
    const gone = written.has(id) && !(await wishStorage.has(id))
    const wish = of(messageId).find((one) => one.id === id)
    if (wish === undefined || wish.state === 'failed') return 0
    if (gone) {
      drop(wish)
      return 0
    }
    const stale = withStaleAsked(wish, Date.now())
    if (stale !== wish) {
      change(wish, stale)
      return 0
    }
    const sent: Wish = { ...wish, state: 'sending', tried: true }
    change(wish, sent)
    try {
      const message = await fulfil(entities, sent, isLate(wish))
      set(messageId, withFulfilled(of(messageId), sent))
      tell(sent, { message, problem: null })
      return 0
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return settle(sent, error)
    }
  }

  function isLate({ tried, at, channelId }: Wish): boolean {
    return tried || Date.now() - at > SURE_MS || (failedAt.get(channelId) ?? 0) >= at
  }

  function settle(sent: Wish, problem: Problem): number {
    const wishes = of(sent.messageId)
    if (problem.temporary || problem.status === 401) {
      failedAt.set(sent.channelId, Date.now())
      set(sent.messageId, withDelayed(wishes, sent))
      return retryDelay(sent.attempts + 1, problem.retryAfter, Math.random)
    }
    set(sent.messageId, withRefused(wishes, sent, problem))
    // Who has thought better of it meanwhile need not hear that.
    const meant = wishes.find(({ id }) => id === sent.id)?.wanted === sent.wanted
    if (meant) tell(sent, { message: null, problem })
    return 0
  }

  function tell(wish: Wish, answer: Answer): void {
    for (const listener of listeners) listener(wish, answer)
  }

  function sleep(channelId: string, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        wakers.delete(channelId)
        resolve()
      }
      wakers.set(channelId, done)
    })
  }

  function onSettled(listener: Listener): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** While this holds of a channel and a wish, it waits for `wake`: what was written before it goes first. */
  function holdWhile(held: typeof isHeldBack): void {
    isHeldBack = held
  }

  /** The session has ended: stop trying, keep everything on disk for the next log-in. */
  function pause(): void {
    version += 1
    owner = ''
    tabs?.close()
    tabs = null
    all.clear()
    takeTurns()
    for (const end of wakers.values()) end()
  }

  /** A person logs out: nothing of theirs stays in this browser. */
  async function clear(userId: string): Promise<void> {
    pause()
    await disk
    await wishStorage.clear(userId)
  }

  return { all, unsent, of, wanted, shown, shownAll, want, retry, drop, restore, retryAll, wake, onSettled, holdWhile, pause, clear }
})
