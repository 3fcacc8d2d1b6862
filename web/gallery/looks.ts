/** What the toolbar switches: attributes of the page's root, as the app sets them. */

export const LOOKS = {
  theme: ['light', 'dark', 'contrast'],
  direction: ['ltr', 'rtl'],
  density: ['standard', 'compact'],
  textSize: ['small', 'normal', 'large', 'larger'],
} as const

export const AT_FIRST = { theme: 'light', direction: 'ltr', density: 'standard', textSize: 'normal' }

export function dress({ direction = 'ltr', ...others }: Record<string, string>): void {
  const page = document.documentElement
  page.dir = direction
  page.lang = direction === 'rtl' ? 'ar' : 'en'
  const { theme, density, textSize } = { ...AT_FIRST, ...others }
  Object.assign(page.dataset, { theme, density, textSize })
}
