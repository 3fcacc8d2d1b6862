import { describe, expect, it } from 'vitest'

import type { Channel, User } from '@/api/types'

import { channelTitle, counterparts, hue, initials } from './naming'

const people = new Map<string, User>(
  ['Ana', 'Ben', 'Carla'].map((name) => [
    name.toLowerCase(),
    { id: name.toLowerCase(), username: name.toLowerCase(), display_name: name, created_at: '', deactivated_at: null, kind: 'person' as const },
  ]),
)

function direct(...ids: string[]): Channel {
  return {
    id: 'c', workspace_id: 'w', kind: ids.length > 2 ? 'group_dm' : 'dm', name: null, topic: '', created_by: 'ana',
    created_at: '', archived_at: null, last_seq: 0, last_msg_seq: 0, member_ids: ids, purpose: '', posting: 'everyone', is_default: false,
  }
}

const title = (channel: Channel) => channelTitle(channel, 'ana', (id) => people.get(id), 'Somebody')

describe('the title of a direct conversation', () => {
  it('names the others', () => expect(title(direct('ana', 'ben', 'carla'))).toBe('Ben, Carla'))
  it('is my own name when I talk to myself', () => expect(title(direct('ana'))).toBe('Ana'))
  it('has a word for somebody unknown', () => expect(title(direct('ana', 'zoe'))).toBe('Somebody'))
})

it('counterparts never include me unless I am alone', () => {
  expect(counterparts(direct('ana', 'ben'), 'ana')).toEqual(['ben'])
  expect(counterparts(direct('ana'), 'ana')).toEqual(['ana'])
})

describe('initials', () => {
  it.each([
    ['Ana Castellanos', 'AC'],
    ['plato', 'P'],
    ['Ólafur Þór Jónsson', 'ÓJ'],
    ['👩‍🚀 Space', '👩‍🚀S'],
    ['   ', '?'],
  ])('of %s are %s', (name, letters) => expect(initials(name)).toBe(letters))
})

it('a hue is one of twelve and stays with the id', () => {
  const hues = new Set(Array.from({ length: 500 }, (_, i) => hue(`user-${i}`)))
  expect(hues.size).toBe(12)
  expect(hue('user-1')).toBe(hue('user-1'))
})
