/** How channels and people are named and sorted. Pure. */
import type { Channel, User } from '@/api/types'

type Lookup = (id: string) => User | undefined

export function isDirect(channel: Channel): boolean {
  return channel.kind === 'dm' || channel.kind === 'group_dm'
}

/** The people of a direct conversation other than me; myself when I talk to myself. */
export function counterparts(channel: Channel, me: string): readonly string[] {
  const others = (channel.member_ids ?? []).filter((id) => id !== me)
  return others.length > 0 ? others : [me]
}

/** A channel's own name, or the names of the people in it. */
export function channelTitle(channel: Channel, me: string, user: Lookup, unknown: string): string {
  if (!isDirect(channel)) return channel.name ?? unknown
  return counterparts(channel, me)
    .map((id) => user(id)?.display_name ?? unknown)
    .join(', ')
}

/** The same in a text: what has a name of its own with its sign. */
export function placeName(channel: Channel, me: string, user: Lookup, unknown: string): string {
  const title = channelTitle(channel, me, user, unknown)
  return isDirect(channel) ? title : `#${title}`
}

/** One or two letters for an avatar: first graphemes of the first and last word. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/u).filter(Boolean)
  const picked = words.length > 1 ? [words[0], words.at(-1)] : [words[0]]
  return picked.map((word) => firstGrapheme(word ?? '?')).join('').toLocaleUpperCase()
}

function firstGrapheme(word: string): string {
  for (const { segment } of new Intl.Segmenter().segment(word)) return segment
  return '?'
}

/** One of 12 hues (degrees) that stays with an id for ever. */
export function hue(id: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  return ((hash >>> 0) % 12) * 30
}

export function byName<T>(name: (item: T) => string, locale: string): (a: T, b: T) => number {
  const collator = new Intl.Collator(locale, { sensitivity: 'base', numeric: true })
  return (a, b) => collator.compare(name(a), name(b))
}
