import { expect, it } from 'vitest'

import { found } from './options'

const ZONES = ['(GMT-3) America/São Paulo', '(GMT+1) Europe/Madrid', '(GMT+9) Asia/Tokyo'].map((label) => ({ value: label, label }))
const places = (part: string, most = 10) => found(ZONES, part, most).map(({ place }) => place)

it('finds by a part of the name, whatever its case and accents', () => {
  expect(places('sao')).toEqual([0])
  expect(places(' TOKYO ')).toEqual([2])
  expect(places('utc')).toEqual([])
})

it('finds by the note, too', () => {
  expect(found([{ value: 'de', label: 'Deutsch', note: 'German' }], 'germ', 10)).toHaveLength(1)
})

it('shows at most so many, in their order', () => expect(places('', 2)).toEqual([0, 1]))
