import { describe, expect, it } from 'vitest'

import type { Channel, User } from '@/api/types'
import { channel, person } from '@/testing/fixtures'

import { channelTitle, counterparts, hue, initials } from './naming'

const people = new Map<string, User>(
  ['Ana', 'Ben', 'Carla'].map((name) => [name.toLowerCase(), person(name.toLowerCase(), { display_name: name })]),
)

function direct(...ids: string[]): Channel {
  return channel('c', 0, { kind: ids.length > 2 ? 'group_dm' : 'dm', name: null, member_ids: ids })
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
