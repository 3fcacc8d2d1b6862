/** The theme a person chose. The first paint is done by public/theme.js; this follows later changes. */
import { ref, watchEffect } from 'vue'

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'tertulia.theme'
const systemDark = matchMedia('(prefers-color-scheme: dark)')

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY) as Theme | null
    return value !== null && THEMES.includes(value) ? value : 'system'
  } catch {
    return 'system'
  }
}

export const theme = ref<Theme>(stored())

export function followTheme(): void {
  const paint = () => {
    const chosen = theme.value === 'system' ? (systemDark.matches ? 'dark' : 'light') : theme.value
    document.documentElement.dataset['theme'] = chosen
  }
  systemDark.addEventListener('change', paint)
  watchEffect(() => {
    paint()
    try {
      localStorage.setItem(KEY, theme.value)
    } catch {
      // Blocked storage: the choice lasts as long as the tab.
    }
  })
}
