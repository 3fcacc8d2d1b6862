/**
 * One language at a time: its texts are loaded when somebody reads in it, those of the first screen before the others (all but
 * what only other pages and dialogs say, which come with these: i18n.ts). The tag that Vue I18n and `Intl` are given has
 * the reader's region where their browser names one (en-GB has another clock than en-US), and Latin digits throughout,
 * since counts inside the texts are written with them.
 */
import type { Language } from '@/api/languages'
import { LANGUAGES } from '@/api/languages'

export type Texts = Record<string, Record<string, unknown>>

/** Each in itself: whoever looks for theirs may not read the one that is shown. */
export const LANGUAGE_NAMES: Readonly<Record<Language, string>> = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  id: 'Bahasa Indonesia',
  zh: '简体中文',
  ar: 'العربية',
}

export type Loaders = Readonly<Record<Language, () => Promise<{ default: Texts }>>>

/** The texts of the first screen. */
export const beginnings: Loaders = {
  en: () => import('./en/first'),
  de: () => import('./de/first'),
  es: () => import('./es/first'),
  id: () => import('./id/first'),
  zh: () => import('./zh/first'),
  ar: () => import('./ar/first'),
}

/** All of them. */
export const loaders: Loaders = {
  en: () => import('./en'),
  de: () => import('./de'),
  es: () => import('./es'),
  id: () => import('./id'),
  zh: () => import('./zh'),
  ar: () => import('./ar'),
}

export function direction(language: Language): 'ltr' | 'rtl' {
  return language === 'ar' ? 'rtl' : 'ltr'
}

function base(tag: string): string {
  return tag.toLowerCase().split('-')[0] ?? ''
}

/** What was chosen, else the first of the browser's languages that there are texts in, else English. public/theme.js does the same. */
export function languageFor(chosen: Language | null, wished: readonly string[]): Language {
  if (chosen !== null) return chosen
  for (const tag of wished) {
    const language = LANGUAGES.find((one) => one === base(tag))
    if (language !== undefined) return language
  }
  return 'en'
}

export function tagFor(language: Language, wished: readonly string[]): string {
  const regional = wished.find((tag) => base(tag) === language) ?? language
  return language === 'ar' ? new Intl.Locale(regional, { numberingSystem: 'latn' }).toString() : regional
}

type PluralRule = (choice: number, choices: number) => number

const ARABIC = new Intl.PluralRules('ar')
const ARABIC_FORMS: readonly Intl.LDMLPluralRule[] = ['zero', 'one', 'two', 'few', 'many', 'other']

/** One form for any number; of two, the first is for none at all. */
const sameForAll: PluralRule = (choice, choices) => Math.min(choice, choices - 1)

/** Which of a text's forms stands for a number, where English's way (one | more, none | one | more) is not the language's. */
export const pluralRules: Partial<Record<Language, PluralRule>> = {
  ar: (choice) => ARABIC_FORMS.indexOf(ARABIC.select(choice)),
  id: sameForAll,
  zh: sameForAll,
}
