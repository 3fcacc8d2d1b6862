import { expect, it } from 'vitest'

import { message, TIME } from '@/testing/fixtures'

import { referable } from './referable'

const here = [
  message(1, { text: 'Shall we paint the red boat?', author_id: 'ada' }),
  message(2, { text: 'The blue one', author_id: 'ben' }),
  message(3, { text: 'Gone', deleted_at: TIME }),
]
const elsewhere = [message(4, { text: 'A boat is for sale', author_id: 'ada' })]
const names: Record<string, string> = { ada: 'Ada Lovelace', ben: 'Ben' }
const found = (query: string, most = 8): string[] =>
  referable([here, elsewhere, here], query, (id) => names[id] ?? '', most).map(({ text }) => text)

it('is found by words, the nearest place and the newest first', () => {
  expect(found('')).toEqual(['The blue one', 'Shall we paint the red boat?', 'A boat is for sale'])
  expect(found('boat')).toEqual(['Shall we paint the red boat?', 'A boat is for sale'])
  expect(found('boat sale')).toEqual(['A boat is for sale'])
  expect(found('', 1)).toEqual(['The blue one'])
  expect(found('gone')).toEqual([])
})

it('is found by who wrote it', () => {
  expect(found('ben')).toEqual(['The blue one'])
  expect(found('love red')).toEqual(['Shall we paint the red boat?'])
})
