/** The texts that are shown now. */
import { createI18n } from 'vue-i18n'

import type { Language } from '@/api/languages'

import { direction, loaders, pluralRules, tagFor } from './languages'

const rules: Record<string, NonNullable<(typeof pluralRules)[Language]>> = {}

export const i18n = createI18n({
  legacy: false,
  locale: 'en',
  fallbackLocale: false as string | false,
  messages: {},
  pluralRules: rules,
  missing: () => void fallBack(),
})

/** Nobody loads a second language before the first text is missing from theirs. */
async function fallBack(): Promise<void> {
  const { default: texts } = await loaders.en()
  i18n.global.setLocaleMessage('en', texts)
  i18n.global.fallbackLocale.value = 'en'
}

let wanted: Language | null = null

/** Shows all texts in this language. Until they are here the former ones stay; of two at once the later one counts. */
export async function speak(language: Language, wished: readonly string[] = navigator.languages): Promise<void> {
  wanted = language
  const { default: texts } = await loaders[language]()
  if (wanted !== language) return
  const tag = tagFor(language, wished)
  const rule = pluralRules[language]
  if (rule !== undefined) rules[tag] = rule
  i18n.global.setLocaleMessage(tag, texts)
  i18n.global.locale.value = tag
  document.documentElement.lang = language
  document.documentElement.dir = direction(language)
}
