/** The texts that are shown now. */
import { createI18n } from 'vue-i18n'

import type { Language } from '@/api/languages'

import type { Loaders } from './languages'
import { beginnings, direction, loaders, pluralRules, tagFor } from './languages'

const rules: Record<string, NonNullable<(typeof pluralRules)[Language]>> = {}

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: false as string | false,
  messages: {},
  pluralRules: rules,
  missing: () => void fallBack(),
})

let wanted: Language = 'en'
let tag = 'en'
/** How much of it: what the first screen says, or all. */
let extent: Loaders = beginnings
let complete = false
let loading: Promise<void> = Promise.resolve()

/** Shows all texts in this language. Until they are here the former ones stay; of two at once the later one counts. */
export function speak(language: Language, wished: readonly string[] = navigator.languages): Promise<void> {
  wanted = language
  tag = tagFor(language, wished)
  loading = load()
  return loading
}

/** For what stands not on the first screen. */
export async function allTexts(): Promise<void> {
  if (extent !== loaders) {
    extent = loaders
    loading = load()
  }
  const mine = loading
  try {
    await mine
  } catch (error) {
    if (mine === loading && !complete) extent = beginnings
    throw error
  }
}

async function load(): Promise<void> {
  const [language, all] = [wanted, extent]
  const { default: texts } = await all[language]()
  // Another language is wanted meanwhile, or more of this one.
  if (language !== wanted || all !== extent) return loading
  const rule = pluralRules[language]
  if (rule !== undefined) rules[tag] = rule
  i18n.global.setLocaleMessage(tag, texts)
  i18n.global.locale.value = tag
  document.documentElement.lang = language
  document.documentElement.dir = direction(language)
  complete = all === loaders
}

/** Nobody loads a second language before the first text is missing from theirs. */
async function fallBack(): Promise<void> {
  if (!complete) return allTexts().catch(() => undefined)
  const { default: texts } = await loaders.en()
  i18n.global.setLocaleMessage('en', texts)
  i18n.global.fallbackLocale.value = 'en'
}
