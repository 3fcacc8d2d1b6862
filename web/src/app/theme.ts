/**
 * Makes the page look and read as the person prefers. The first paint is done by public/theme.js, from the same storage and
 * onto the same attributes; this follows later choices, here, in other tabs and on other devices.
 */
import { computed, watchEffect } from 'vue'

import { usePreferences } from '@/entities/preferences'
import { i18n, speak } from '@/locales/i18n'
import { languageFor } from '@/locales/languages'
import { setTimeStyle } from '@/ui/time'

const HOUR_CYCLES = { language: undefined, 12: 'h12', 24: 'h23' } as const

/** Resolves when there are texts to show. */
export async function followPreferences(): Promise<void> {
  const preferences = usePreferences()
  followLooks()
  const language = computed(() => languageFor(preferences.current.language, navigator.languages))
  let spoken: Promise<void> = Promise.resolve()
  watchEffect(() => {
    spoken = speak(language.value)
    // What is shown stays when the texts cannot be loaded now.
    spoken.catch(() => addEventListener('online', () => void speak(language.value), { once: true }))
  })
  watchEffect(() => {
    const { timeZone, clock } = preferences.current
    setTimeStyle({ locale: i18n.global.locale.value, timeZone: timeZone ?? undefined, hourCycle: HOUR_CYCLES[clock] })
  })
  await spoken
}

function followLooks(): void {
  const preferences = usePreferences()
  const systemDark = matchMedia('(prefers-color-scheme: dark)')
  const paint = () => {
    const { theme, density, textSize } = preferences.current
    Object.assign(document.documentElement.dataset, {
      theme: theme === 'system' ? (systemDark.matches ? 'dark' : 'light') : theme,
      density,
      textSize,
    })
  }
  systemDark.addEventListener('change', paint)
  watchEffect(paint)
}
