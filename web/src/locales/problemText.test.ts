import { expect, it } from 'vitest'
import { createApp } from 'vue'

import { duration } from './duration'
import { i18n } from './i18n'
import type { ProblemText } from './problemText'
import { useProblemText } from './problemText'

function texts(): ProblemText {
  let found: ProblemText | null = null
  createApp({
    setup() {
      found = useProblemText()
      return () => null
    },
  }).use(i18n).mount(document.createElement('div'))
  return found ?? expect.fail('not mounted')
}

const { text } = texts()

it.each([
  [1, '1 second'],
  [90, '90 seconds'],
  [121, '3 minutes'],
  [3_600, '60 minutes'],
  [21_600, '6 hours'],
  [172_801, '3 days'],
])('%i seconds are %s', (seconds, words) => expect(duration(seconds, 'en')).toBe(words))

it('what passes by itself says when, if the server did', () => {
  const slow = { code: 'slow_mode', message: '' }
  expect(text({ ...slow, retryAfter: 25 })).toBe('This channel is slow: you may write again in 25 seconds.')
  expect(text(slow)).toBe('This channel is slow: wait a moment before you write again.')
  expect(text({ code: 'muted', message: '', retryAfter: 7_200 })).toBe('You are muted: you may write here again in 2 hours.')
  expect(text({ code: 'rate_limited', message: '', retryAfter: 5 })).toMatch(/^Too many tries/)
})

it.each([
  'banned', 'muted', 'slow_mode', 'person_banned', 'not_outranked', 'member_deactivated', 'author_deactivated', 'system_message',
  'posting_restricted', 'forbidden',
])('%s has words of ours', (code) => expect(text({ code, message: 'theirs' })).not.toBe('theirs'))

it('a code that this page does not know is told in the words of the server', () => {
  expect(text({ code: 'sparkled', message: 'It sparkled.' })).toBe('It sparkled.')
})
