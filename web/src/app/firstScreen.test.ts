/** What the first screen loads before it can be used: neither what opens later nor what other pages say. */
import { expect, it } from 'vitest'

import { beginnings } from '@/locales/languages'

import { FIRST_SCREEN, reach } from '../../reach'

const sources = import.meta.glob<string>(['../**/*.{vue,ts}', '!../**/*.test.ts', '!../api/schema.ts'], {
  query: '?raw', import: 'default', eager: true,
})
const read = (file: string): string | undefined => sources[file.replace(/^src\/app\//, './').replace(/^src\//, '../')]
const { files, packages } = reach(FIRST_SCREEN, read)

it('is what it was thought to be', () => {
  expect(files).toContain('src/features/messages/MessageList.vue')
  expect(files.size).toBeLessThan(320)
})

it('opens no layer, and has no page but its own', () => {
  const late = /\/(?:UiDialog|MenuLayer|TooltipLayer|EmojiPicker|CommandPalette|HelpSheet)\.vue$|Dialog\.vue$|emoji\.ts$/
  const pages = /\/views\/(?!WorkspaceView|ConversationView|PlaceView|JoinGate|LostView|ProblemPage|UnreachableView)/
  expect([...files].filter((file) => late.test(file) || pages.test(file))).toEqual([])
  expect([...packages.keys()].sort()).toEqual([
    '@lucide/vue', '@tanstack/virtual-core', 'dompurify', 'idb', 'markdown-it', 'pinia', 'reka-ui', 'vue', 'vue-i18n', 'vue-router',
  ])
  expect([...(packages.get('reka-ui') ?? [])]).toEqual(['ConfigProvider'])
})

it('has all texts that it shows', async () => {
  const { default: texts } = await beginnings.en()
  /** Menus and what is below `later` come with all texts. */
  const inMenus = ['administration.title', 'settings.title']
  const known = Object.keys(texts)
  const all = Object.keys(import.meta.glob('../locales/en/*.json')).map((path) => /(\w+)\.json$/.exec(path)?.[1] ?? '')
  const asked = new RegExp(`['"\`]((?:${all.join('|')})\\.\\w[\\w.]*)['"\`]`, 'g')
  const missing = [...files].flatMap((file) =>
    [...(read(file) ?? '').matchAll(asked)].flatMap(([, key = '']) => (known.includes(key.split('.')[0] ?? '') ? [] : [key])),
  )
  expect([...new Set(missing)].filter((key) => !inMenus.includes(key))).toEqual([])
})
