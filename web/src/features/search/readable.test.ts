import { expect, it } from 'vitest'

import type { Names } from '@/ui/markdown/names'

import { readable } from './readable'

const ADA = '01936f2a-8a4e-7c3d-9b1f-3a5d7e9f1b2c'
const names: Names = {
  person: (key) => (key === ADA ? { id: ADA, name: 'Ada', mine: false } : null),
  channel: (key) => (key === ADA ? { name: 'plans', href: '' } : null),
}
const read = (...texts: (string | [string])[]) =>
  readable(texts.map((text) => (typeof text === 'string' ? { text, hit: false } : { text: text[0], hit: true })), names, { tada: '🎉' })
    .map(({ text, hit, name }) => `${hit ? '!' : ''}${name ? '@' : ''}${text}`)

it('names people and channels', () => {
  expect(read(`Ask <@${ADA}> in <#${ADA}> about the `, ['boat'])).toEqual(['Ask ', '@@Ada', ' in ', '@#plans', ' about the ', '!boat'])
  expect(read('<@00000000-0000-0000-0000-000000000000>')).toEqual(['@<@00000000-0000-0000-0000-000000000000>'])
})

it('keeps what matched, also in the middle of a name', () => {
  expect(read(`a <@${ADA.slice(0, 8)}`, [ADA.slice(8, 13)], `${ADA.slice(13)}> b`)).toEqual(['a ', '!@@Ada', ' b'])
  expect(read('one ', ['two'], ' :tada: three')).toEqual(['one ', '!two', ' ', '🎉', ' three'])
})

it('leaves nothing of a name that was cut', () => {
  expect(read('…', `${ADA.slice(20)}> said `, ['boat'])).toEqual(['…', ' said ', '!boat'])
  expect(read(['boat'], ` of <@${ADA.slice(0, 9)}`, '…')).toEqual(['!boat', ' of ', '…'])
})

it('knows a code from a time or a path', () => {
  expect(read('at 12:30:45, a:tada:b, :nothing: and ', [':tada:'])).toEqual(['at 12:30:45, a:tada:b, :nothing: and ', '!🎉'])
})
