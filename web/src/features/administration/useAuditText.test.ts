import { createPinia, setActivePinia } from 'pinia'
import { expect, it } from 'vitest'
import { createApp } from 'vue'

import { i18n } from '@/locales/i18n'

import { useAuditText } from './useAuditText'

function told(): ReturnType<typeof useAuditText> {
  let text: ReturnType<typeof useAuditText> | undefined
  createApp({
    setup() {
      text = useAuditText()
      return () => null
    },
  }).use(createPinia()).use(i18n).mount(document.createElement('div'))
  if (text === undefined) throw new Error('Not set up.')
  return text
}

it.each([
  ['kind', 'private', 'Private'],
  ['posting', 'everyone', 'Everybody in it'],
  ['history_policy', 'off', 'Keep none'],
  ['role', 'admin', 'Admin'],
  ['pin_messages', 'moderator', 'Moderator'],
  ['is_default', 'true', 'yes'],
  ['name', 'private', 'private'],
  ['name', 'admin', 'admin'],
  ['name', '(not public)', '(not public)'],
  ['slow_mode_s', '30', '30'],
])('%s %s reads "%s"', (field, value, words) => {
  setActivePinia(createPinia())
  expect(told().value(field, value)).toBe(words)
})
