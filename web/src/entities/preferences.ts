/**
 * How a person wants the front end: in their account, so on all their devices, and in this browser, for the first paint and for
 * whoever has not logged in yet. What was changed here and has not reached the account yet wins over what the account says.
 */
import { defineStore } from 'pinia'
import { ref, shallowRef, watch } from 'vue'

import { account } from '@/api/account'
import type { Language } from '@/api/languages'
import { LANGUAGES } from '@/api/languages'
import { asProblem } from '@/api/problem'
import type { Me } from '@/api/types'

import { useEntities } from './store'

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const
export const DENSITIES = ['standard', 'compact'] as const
export const TEXT_SIZES = ['small', 'normal', 'large', 'larger'] as const
export const CLOCKS = ['language', '12', '24'] as const
/** What Enter does while writing; Ctrl+Enter always sends, and Shift+Enter always breaks the line. */
export const ENTER_KEYS = ['send', 'break', 'break-in-code'] as const
/** Where a channel with something new opens: there, or at its end, which reads it or does not. */
export const OPENINGS = ['unread', 'newest', 'newest-unread'] as const

export type Theme = (typeof THEMES)[number]
export type Density = (typeof DENSITIES)[number]
export type TextSize = (typeof TEXT_SIZES)[number]
export type Clock = (typeof CLOCKS)[number]
export type EnterKey = (typeof ENTER_KEYS)[number]
export type Opening = (typeof OPENINGS)[number]

export interface Preferences {
  /** null: as the browser prefers. */
  language: Language | null
  /** An IANA name; null: the browser's. */
  timeZone: string | null
  clock: Clock
  theme: Theme
  density: Density
  textSize: TextSize
  enterKey: EnterKey
  opensAt: Opening
  /** Only what needs an answer is read out: mentions and direct messages. */
  fewerAnnouncements: boolean
  /** Single letters do something while the list of messages has the focus. */
  letterKeys: boolean
  hideAi: boolean
}

type Reader<T> = (value: unknown) => T | undefined

const oneOf = <T>(options: readonly T[]): Reader<T> => (value) => options.find((option) => option === value)
const flag: Reader<boolean> = (value) => (typeof value === 'boolean' ? value : undefined)
const zone: Reader<string | null> = (value) => (value === null || isTimeZone(value) ? value : undefined)

/** Each preference as it is before anybody chose, and what of foreign origin may stand for it. */
const FIELDS: { readonly [Key in keyof Preferences]: readonly [Preferences[Key], Reader<Preferences[Key]>] } = {
  language: [null, oneOf([null, ...LANGUAGES])],
  timeZone: [null, zone],
  clock: ['language', oneOf(CLOCKS)],
  theme: ['system', oneOf(THEMES)],
  density: ['standard', oneOf(DENSITIES)],
  textSize: ['normal', oneOf(TEXT_SIZES)],
  enterKey: ['send', oneOf(ENTER_KEYS)],
  opensAt: ['unread', oneOf(OPENINGS)],
  fewerAnnouncements: [false, flag],
  letterKeys: [true, flag],
  hideAi: [false, flag],
}
const KEYS = Object.keys(FIELDS) as (keyof Preferences)[]

export const browserZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone

/** The time zones of another version of the browser may be unknown to this one. */
function isTimeZone(value: unknown): value is string {
  if (typeof value !== 'string') return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
    return true
  } catch {
    return false
  }
}

/** Whatever was stored, made whole: what is missing or not understood is as before anybody chose. Pure. */
export function readPreferences(stored: unknown): Preferences {
  const raw = (typeof stored === 'object' && stored !== null ? stored : {}) as Record<string, unknown>
  const entries = KEYS.map((key) => [key, FIELDS[key][1](raw[key]) ?? FIELDS[key][0]])
  return Object.fromEntries(entries) as unknown as Preferences
}

function pick<T extends object>(from: T, keys: Iterable<keyof T>): Partial<T> {
  return Object.fromEntries([...keys].map((key) => [key, from[key]])) as Partial<T>
}

/** public/theme.js reads it too, before anything else runs. */
export const STORAGE_KEY = 'tertulia.preferences'

interface Stored {
  values: Preferences
  /** Chosen here and not in the account yet. */
  unsaved: (keyof Preferences)[]
}

function restored(): Stored {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as Partial<Record<keyof Stored, unknown>>
    const unsaved = Array.isArray(stored.unsaved) ? stored.unsaved : []
    return { values: readPreferences(stored.values), unsaved: KEYS.filter((key) => unsaved.includes(key)) }
  } catch {
    return { values: readPreferences(null), unsaved: [] }
  }
}

export const usePreferences = defineStore('preferences', () => {
  const entities = useEntities()
  const first = restored()
  const current = shallowRef<Readonly<Preferences>>(first.values)
  const unsaved = new Set(first.unsaved)
  /** The account would not take them; they are kept here and tried again with the next change. */
  const refused = ref(false)
  let saving: Promise<void> | null = null

  function keep(): void {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify({ values: current.value, unsaved: [...unsaved] } satisfies Stored))
    } catch {
      // Storage is full or blocked: the choice lasts as long as the tab, and in the account.
    }
  }

  function set<Key extends keyof Preferences>(key: Key, value: Preferences[Key]): void {
    if (current.value[key] === value) return
    current.value = { ...current.value, [key]: value }
    unsaved.add(key)
    keep()
    save()
  }

  /** What the account says, after a log-in, a refresh, or a change on another device. */
  function take(me: Me): void {
    current.value = { ...readPreferences(me.preferences), ...pick(current.value, unsaved) }
    keep()
    save()
  }

  /** Also when the network is back. */
  function save(): void {
    if (saving !== null || unsaved.size === 0 || entities.me === null) return
    saving = saveOnce().finally(() => (saving = null))
  }

  /** One at a time, so that an older choice never lands on top of a newer one. */
  async function saveOnce(): Promise<void> {
    while (unsaved.size > 0 && entities.me !== null) {
      const sent = pick(current.value, unsaved)
      try {
        // The account holds what other programs of the person keep there as well.
        const me = await account.get()
        entities.setMe(await account.update({ preferences: { ...me.preferences, ...sent } }))
        refused.value = false
      } catch (error) {
        refused.value = !asProblem(error).temporary
        return
      }
      for (const key of unsaved) if (sent[key] === current.value[key]) unsaved.delete(key)
      keep()
    }
  }

  /** Whoever logs in here next keeps nothing of this person but the looks of the page. */
  function forgetUnsaved(): void {
    unsaved.clear()
    keep()
  }

  watch(() => entities.me, (me) => me !== null && take(me), { immediate: true })
  addEventListener('online', save)
  // Another tab of this browser chose.
  addEventListener('storage', (event) => {
    if (event.key !== STORAGE_KEY) return
    const { values } = restored()
    current.value = { ...values, ...pick(current.value, unsaved) }
  })

  return { current, refused, set, forgetUnsaved }
})
