import { expect, it } from 'vitest'

import { fit, folded, ranked } from './rank'

const best = (query: string, ...names: string[]): string[] => ranked(names, query, (name) => [folded(name)], () => 0, 10)

it('finds letters in their order, and nothing else', () => {
  expect(fit('gnl', 'general')).not.toBeNull()
  expect(fit('lng', 'general')).toBeNull()
  expect(fit('', 'general')).toBe(0)
  expect(fit('generally', 'general')).toBeNull()
})

it('likes what is whole, then what begins so, then beginnings of words, then letters beside each other', () => {
  expect(best('dev', 'devops', 'dev', 'design-events')).toEqual(['dev', 'devops', 'design-events'])
  expect(best('pa', 'company', 'project-aurora', 'party')).toEqual(['party', 'project-aurora', 'company'])
  expect(best('ada', 'Canada', 'Ada Lovelace')).toEqual(['Ada Lovelace', 'Canada'])
})

it('passes over accents, capitals and spaces', () => {
  expect(best('emile', 'Émile Zola')).toEqual(['Émile Zola'])
  expect(best('ada l', 'Ada Lovelace')).toEqual(['Ada Lovelace'])
  expect(best('ÄRGER', 'argerlich')).toEqual(['argerlich'])
})

it('tries every beginning of a match', () => {
  expect(fit('ab', 'xa-ab')).toBeGreaterThan(fit('ab', 'xa-xb') ?? 0)
})

it('adds what else speaks for one, and keeps the order of equals', () => {
  const names = ['one-x', 'two-x', 'three-x']
  expect(ranked(names, '', (name) => [name], () => 0, 2)).toEqual(['one-x', 'two-x'])
  expect(ranked(names, 'x', (name) => [name], (name) => (name === 'three-x' ? 9 : 0), 3)[0]).toBe('three-x')
})

it('is quick enough for every key: twenty thousand names', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => folded(`project ${i.toString(36)} discussion`))
  expect(ranked(names, 'prodis', (name) => [name], () => 0, 50)).toHaveLength(50)
})
