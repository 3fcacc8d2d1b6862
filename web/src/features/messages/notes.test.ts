import { expect, it } from 'vitest'

import type { SystemNote } from '@/api/types'
import { note } from '@/testing/fixtures'

import { noteText } from './notes'

function said(value: SystemNote): string | null {
  return noteText(
    value,
    'Ana',
    (id) => id.toUpperCase(),
    (key, { who, whom, before, after }) => `${key}: ${[who, whom, before, after].join('|')}`,
    (names, more) => [...names, ...(more > 0 ? [`+${more}`] : [])].join(' '),
  )
}

it('names who came, and counts who came with them', () => {
  expect(said(note('joined', { user_ids: ['b'], count: 1 }))).toBe('joined: B|B||')
  expect(said(note('left', { user_ids: ['b', 'c', 'd', 'e'], count: 9 }))).toBe('left: B C D +6|B C D +6||')
})

it('says who did it to whom', () => {
  expect(said(note('added', { user_ids: ['b', 'c'], count: 2 }))).toBe('added: Ana|B C||')
  expect(said(note('renamed', { before: 'old', after: 'new' }))).toBe('renamed: Ana||old|new')
})

it('tells a new topic from none', () => {
  expect(said(note('topic_changed', { before: '', after: 'boats' }))).toBe('topic_changed: Ana|||boats')
  expect(said(note('topic_changed', { before: 'boats', after: '' }))).toBe('topic_cleared: Ana||boats|')
})

it('leaves what it does not know to the text of the message', () => {
  expect(said(note('other'))).toBe(null)
  expect(said(note('sparkled' as SystemNote['kind']))).toBe(null)
})
