import { expect, it } from 'vitest'

import { quotesIn, withQuote } from './quoteText'

const link = (id: string) => `https://chat.example.org/w/acme/c/c1/m/${id}`

it('a link on its own line at the beginning quotes', () => {
  const text = withQuote(link('m1'), 'I agree.\nTwice.')
  expect(quotesIn(text, ['m1'])).toEqual({ ids: ['m1'], lead: `${link('m1')}\n`, rest: 'I agree.\nTwice.' })
})

it('several do, also without a host and with nothing to say', () => {
  expect(quotesIn(`${link('m1')}\n/w/acme/c/c1/m/m2`, ['m1', 'm2'])).toMatchObject({ ids: ['m1', 'm2'], rest: '' })
})

it.each([
  ['see ' + link('m1')],
  [`first\n${link('m1')}`],
  [link('m1') + ' is wrong'],
  ['https://chat.example.org/w/acme/c/c1'],
])('%s quotes nothing', (text) => expect(quotesIn(text, ['m1'])).toEqual({ ids: [], lead: '', rest: text }))

it('what the author could not read is no quote', () => {
  expect(quotesIn(link('m9'), ['m1']).ids).toEqual([])
  expect(quotesIn(link('m9'), null).ids).toEqual(['m9'])
})
