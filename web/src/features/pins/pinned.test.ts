import { expect, it } from 'vitest'

import { message } from '@/testing/fixtures'

import { withoutPin, withPinned } from './pinned'

const pinned = (seq: number, minute: number, text = `${seq}`) =>
  message(seq, { text, pinned: { by: 'ana', at: `2026-11-21T04:0${minute}:00.000Z` } })
const list = withPinned(withPinned([], pinned(7, 1)), pinned(3, 2))

it('the newest pin comes first, wherever the message stands', () => {
  expect(list.map(({ id }) => id)).toEqual(['m3', 'm7'])
})

it('an edit stays in its place, a new pin of the same message goes up', () => {
  expect(withPinned(list, pinned(7, 1, 'edited')).map(({ text }) => text)).toEqual(['3', 'edited'])
  expect(withPinned(list, pinned(7, 3)).map(({ id }) => id)).toEqual(['m7', 'm3'])
})

it('an event whose text was outdone keeps the text', () => {
  expect(withPinned(list, pinned(3, 2, ''))[0]?.text).toBe('3')
})

it('goes when it is unpinned', () => {
  expect(withoutPin(list, 'm3').map(({ id }) => id)).toEqual(['m7'])
})
