/**
 * What I want of a message that is there: another text, that it be gone, a reaction, a pin, to find it again later. A wish lies
 * on top of what the server has told until the server has answered. Only the last one of a kind counts, and one that ends
 * where it began is none. Pure; the machinery is in wishQueue.ts.
 */
import type { Problem } from '@/api/problem'
import type { Failure } from '@/api/retry'
import { STALE, STALE_MS } from '@/api/retry'
import type { Message } from '@/api/types'

import { withReaction } from './reactions'

export type WishKind = 'text' | 'gone' | 'reaction' | 'pinned' | 'saved'

/** What somebody asks for. */
export interface Asked {
  readonly kind: WishKind
  /** Of a reaction. */
  readonly emoji?: string
  /** Of a deletion: told to the author, when that is somebody else. */
  readonly reason?: string
  /** The text; of the other kinds, whether it shall be so. */
  readonly wanted: string | boolean
  /** The same as the server has it. */
  readonly had: string | boolean
}

export interface Wish extends Asked {
  /** UUIDv7: wishes are fulfilled in the order in which somebody had them. */
  readonly id: string
  readonly userId: string
  readonly channelId: string
  readonly messageId: string
  /** When it was wanted, or wanted again, unix ms. */
  readonly at: number
  readonly state: 'queued' | 'sending' | 'failed'
  /** Something of this kind was sent, so the server may have it although no answer came. */
  readonly tried: boolean
  readonly attempts: number
  readonly failure: Failure | null
  /** What somebody wrote elsewhere meanwhile may be overwritten. */
  readonly anyway?: boolean
}

export const isOfKind = ({ kind, emoji }: Pick<Asked, 'kind' | 'emoji'>, other: Pick<Asked, 'kind' | 'emoji'>): boolean =>
  kind === other.kind && (emoji ?? '') === (other.emoji ?? '')

/** The wishes of a message and one more. */
export function withWish(wishes: readonly Wish[], fresh: Wish): readonly Wish[] {
  const at = wishes.findIndex((wish) => isOfKind(wish, fresh))
  const known = wishes[at]
  if (known === undefined) return fresh.wanted === fresh.had ? wishes : [...wishes, fresh]
  // What was refused is over: the server has what is shown.
  if (known.state === 'failed') return fresh.wanted === fresh.had ? wishes.toSpliced(at, 1) : wishes.with(at, fresh)
  if (!known.tried && fresh.wanted === known.had) return wishes.toSpliced(at, 1)
  return wishes.with(at, { ...fresh, id: known.id, had: known.had, tried: known.tried })
}

/** The server has fulfilled it, as it was when it was sent; it may have been changed since. */
export function withFulfilled(wishes: readonly Wish[], sent: Wish): readonly Wish[] {
  const at = wishes.findIndex((wish) => wish.id === sent.id)
  const known = wishes[at]
  if (known === undefined) return wishes
  if (known.wanted !== sent.wanted) return wishes.with(at, { ...known, had: sent.wanted, tried: false, state: 'queued' })
  const left = wishes.toSpliced(at, 1)
  return isEnd(sent) ? left.filter((wish) => !endsWithMessage(wish)) : left
}

/** The server will not: it is as it was, but for a text, which nobody shall have written in vain. */
export function withRefused(wishes: readonly Wish[], sent: Wish, { code, message: detail, requestId }: Problem): readonly Wish[] {
  const at = wishes.findIndex((wish) => wish.id === sent.id)
  const known = wishes[at]
  if (known === undefined) return wishes
  if (known.wanted !== sent.wanted) {
    return known.wanted === known.had ? wishes.toSpliced(at, 1) : wishes.with(at, { ...known, tried: false, state: 'queued' })
  }
  if (known.kind !== 'text') return wishes.toSpliced(at, 1)
  return wishes.with(at, { ...known, state: 'failed', failure: { code, detail, requestId } })
}

/** No answer, or not now: again a little later. */
export function withDelayed(wishes: readonly Wish[], sent: Wish): readonly Wish[] {
  return wishes.map((wish): Wish => (wish.id === sent.id ? { ...wish, state: 'queued', attempts: wish.attempts + 1 } : wish))
}

/** What has lain here for a day waits for a word of who wanted it. */
export function withStaleAsked(wish: Wish, now: number): Wish {
  return wish.state === 'failed' || now - wish.at < STALE_MS ? wish : { ...wish, state: 'failed', failure: STALE }
}

const isEnd = ({ kind, wanted, state }: Wish): boolean => kind === 'gone' && wanted === true && state !== 'failed'
const endsWithMessage = ({ kind }: Wish): boolean => kind === 'text' || kind === 'reaction' || kind === 'pinned'

/** What has to be told to the server: of a message that shall be gone, nothing else. */
export function toFulfil(wishes: readonly Wish[]): readonly Wish[] {
  const waiting = wishes.filter(({ state }) => state !== 'failed')
  const end = waiting.find(({ kind }) => kind === 'gone')
  if (end === undefined) return waiting
  // Whatever comes of it, the rest finds the message as it is then.
  return [end, ...waiting.filter((wish) => wish !== end && !(isEnd(end) && endsWithMessage(wish)))]
}

/** The next one of a channel, in the order in which somebody had them. */
export function nextToFulfil(channel: Iterable<readonly Wish[]>): Wish | undefined {
  const due = [...channel].map(toFulfil).filter((wishes) => wishes.length > 0)
  const first = ([one]: readonly Wish[], [other]: readonly Wish[]) => ((one?.id ?? '') < (other?.id ?? '') ? -1 : 1)
  return due.sort(first)[0]?.[0]
}

/** The message as it will be. */
export function withWishes(message: Message, wishes: readonly Wish[], me: string): Message {
  let shown = message
  for (const { kind, emoji = '', wanted, at, state } of wishes) {
    if (state === 'failed' || message.deleted_at !== null) continue
    const time = new Date(at).toISOString()
    if (kind === 'text') shown = { ...shown, text: String(wanted), edited_at: time }
    else if (kind === 'reaction') shown = { ...shown, reactions: [...withReaction(shown.reactions, emoji, me, wanted === true)] }
    else if (kind === 'pinned') shown = { ...shown, pinned: wanted === true ? { by: me, at: time } : null }
    else if (kind === 'gone' && wanted === true) return withoutContent(message, time)
  }
  return shown
}

function withoutContent(message: Message, time: string): Message {
  return {
    ...message,
    deleted_at: time,
    text: '', reactions: [], mentions: [], channels: [], messages: [], links: [], pinned: null, ai: null,
  }
}
