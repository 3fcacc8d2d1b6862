import { expect, it } from 'vitest'

import { HIT } from '@/ui/markdown/line'

import { marked } from './marked'

const ADA = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const mark = (...texts: (string | [string])[]) =>
  marked(texts.map((text) => (typeof text === 'string' ? { text, hit: false } : { text: text[0], hit: true })))
    .replaceAll(HIT.begin, '[')
    .replaceAll(HIT.end, ']')

it('marks what matched', () => {
  expect(mark('about the ', ['boat'], ' and the ', ['boat'])).toBe('about the [boat] and the [boat]')
})

it('marks a name and an emoji as a whole', () => {
  expect(mark(`a <@${ADA.slice(0, 8)}`, [ADA.slice(8, 13)], ADA.slice(13, 20), [ADA.slice(20)], '> b')).toBe(`a [<@${ADA}>] b`)
  expect(mark('one ', ['two'], ' :', ['tada'], ': three')).toBe('one [two] [:tada:] three')
})

it('marks nothing in an address that is not seen', () => {
  expect(mark('the [', ['boat'], '](https://a.example/', ['boat'], ') is')).toBe('the [[boat]](https://a.example/boat) is')
})

it('leaves nothing of a name that was cut', () => {
  expect(mark('…', `${ADA.slice(20)}> said `, ['boat'])).toBe('… said [boat]')
  expect(mark(['boat'], ` of <@${ADA.slice(0, 9)}`, '…')).toBe('[boat] of …')
})

it('leaves nothing of a link that was cut', () => {
  expect(mark('…', 'a.example/b) says ', ['boat'])).toBe('… says [boat]')
  expect(mark(['boat'], ' as in [the plan](https://a.ex', '…')).toBe('[boat] as in the plan…')
  expect(mark(['boat'], ' as in [the pl', '…')).toBe('[boat] as in the pl…')
})
