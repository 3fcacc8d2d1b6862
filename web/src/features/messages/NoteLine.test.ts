import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, expect, it } from 'vitest'
import { createApp, h } from 'vue'

import type { SystemNote } from '@/api/types'
import { useEntities } from '@/entities/store'
import { i18n } from '@/locales/i18n'
import { message, note, person } from '@/testing/fixtures'

import NoteLine from './NoteLine.vue'

beforeEach(() => setActivePinia(createPinia()))

function shown(said: SystemNote, text = ''): string {
  const host = document.createElement('div')
  const row = { kind: 'note', key: 'k', time: 0, note: said, message: message(1, { text, system: said }) } as const
  createApp({ render: () => h(NoteLine, { row }) }).use(i18n).mount(host)
  return host.querySelector('bdi')?.textContent ?? ''
}

it('says what happened, with the names of now', () => {
  useEntities().setUser(person('ben', { display_name: 'Ben' }))
  expect(shown(note('pinned'))).toBe('Ben pinned a message.')
  expect(shown(note('removed', { user_ids: ['zoe'], count: 1 }))).toBe('Ben removed Somebody.')
  expect(shown(note('joined', { user_ids: ['ben', 'b', 'c', 'd'], count: 5 }))).toMatch(/^Ben, .* and 2 others joined\.$/)
})

it('says a kind from the future in the words that came with it, and without any that there was something', () => {
  expect(shown(note('other'), 'Ben lit a candle.')).toBe('Ben lit a candle.')
  expect(shown({ kind: 'sparkled' } as unknown as SystemNote)).toBe('Something changed here.')
})
