import { expect, it } from 'vitest'

import type { Language } from '@/api/languages'
import { LANGUAGES } from '@/api/languages'

import { beginnings, languageFor, loaders, pluralRules, tagFor } from './languages'

type Tree = Record<string, unknown>

const files = import.meta.glob<string>('./*/*.json', { query: '?raw', import: 'default', eager: true })
function flat(tree: Tree, prefix: string): [string, string][] {
  return Object.entries(tree).flatMap(([key, value]): [string, string][] =>
    typeof value === 'object' && value !== null ? flat(value as Tree, `${prefix}${key}.`) : [[`${prefix}${key}`, String(value)]],
  )
}

/** All texts of a language by their keys: `./de/channels.json` holds `channels.…`. */
function textsOf(language: string): Map<string, string> {
  const own = Object.entries(files).filter(([path]) => path.startsWith(`./${language}/`))
  return new Map(own.flatMap(([path, raw]) => flat(JSON.parse(raw) as Tree, `${path.slice(`./${language}/`.length, -'.json'.length)}.`)))
}

const en = textsOf('en')
const others = LANGUAGES.filter((language) => language !== 'en')
const groupOf = (key: string) => key.split('.')[0] ?? ''
const formsOf = (text: string) => text.split(' | ').length
/** How many forms a text has that has so many in English. */
function formsIn(language: Language, english: number): number {
  if (english === 1 || pluralRules[language] === undefined) return english
  return language === 'ar' ? 6 : english - 1
}
const placeholders = (text: string) => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((hit) => hit[1]))].sort()

it.each(others)('%s has every text, and no other', (language) => {
  const texts = textsOf(language)
  // A group that nobody has put into this language at all is read in English.
  const groups = new Set([...texts.keys()].map(groupOf))
  expect({
    missing: [...en.keys()].filter((key) => groups.has(groupOf(key)) && !texts.has(key)),
    unknown: [...texts.keys()].filter((key) => !en.has(key)),
    empty: [...texts].filter(([, text]) => text.trim() === '').map(([key]) => key),
  }).toEqual({ missing: [], unknown: [], empty: [] })
})

it.each(others)('%s fills in the same', (language) => {
  const differing = [...textsOf(language)].filter(([key, text]) => {
    return JSON.stringify(placeholders(text)) !== JSON.stringify(placeholders(en.get(key) ?? ''))
  })
  expect(differing).toEqual([])
})

// English has `one | more` or `none | one | more`. German and Spanish have the same, Indonesian and Chinese one form for any
// number, with another before it where English has one for none, and Arabic always six: zero, one, two, few, many, other.
it.each(others)('%s has the forms for every number that it needs', (language) => {
  const wrong = [...textsOf(language)].flatMap(([key, text]) => {
    const needed = formsIn(language, formsOf(en.get(key) ?? ''))
    return formsOf(text) === needed ? [] : [`${key} needs ${needed}`]
  })
  expect(wrong).toEqual([])
})

it('numbers choose the form as the language does', () => {
  const chosen = (language: keyof typeof pluralRules, forms: number) =>
    [0, 1, 2, 3, 11, 100].map((count) => pluralRules[language]?.(count, forms))
  expect(chosen('ar', 6)).toEqual([0, 1, 2, 3, 4, 5])
  expect(chosen('zh', 2)).toEqual([0, 1, 1, 1, 1, 1])
})

it('a reader has what they chose, else what their browser prefers', () => {
  expect(languageFor('ar', ['de-AT'])).toBe('ar')
  expect(languageFor(null, ['fr-FR', 'zh-Hans-CN', 'en'])).toBe('zh')
  expect(languageFor(null, ['fr'])).toBe('en')
})

it('their region decides how dates are written, and digits are Latin', () => {
  expect(tagFor('en', ['de', 'en-GB'])).toBe('en-GB')
  expect(tagFor('de', ['en-GB'])).toBe('de')
  expect(new Intl.NumberFormat(tagFor('ar', ['ar-EG'])).format(12)).toBe('12')
})

it.each(LANGUAGES)('%s is one module of all its groups, and one of those that the first screen needs', async (language) => {
  const { default: all } = await loaders[language]()
  const { default: first } = await beginnings[language]()
  const groups = new Set([...textsOf(language).keys()].map(groupOf))
  expect(new Set(Object.keys(all))).toEqual(groups)
  const { default: english } = await beginnings.en()
  expect(Object.keys(first)).toEqual(Object.keys(english).filter((group) => groups.has(group)))
})
