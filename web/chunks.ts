/**
 * Few files for the first screen: each has a head of half a kilobyte, and a hundred small ones are compressed badly. `base` is
 * what every page begins with, `first` what a conversation needs beyond that. All else is left to the bundler.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { FIRST_SCREEN, reach } from './reach'

const ROOT = fileURLToPath(new URL('.', import.meta.url))
const COMMON = /^src\/(?:api|entities|locales|ui)\/(?!markdown|Markdown|MessageCard)/
const FRAMEWORK = /\/node_modules\/(?:@vue|vue|vue-router|vue-i18n|@intlify|pinia)\//
const ICON = /\/node_modules\/@lucide\/vue\/dist\/esm\/icons\/([\w-]+)\.mjs$/

/** What other pages have as well, which nothing else of this one may come into: the frame of the diagrams, for one. */
export const SHARED = [
  { name: 'purify', test: /\/node_modules\/dompurify\//, priority: 1 },
  { name: 'preload', test: /vite\/(?:preload-helper|modulepreload-polyfill)/, priority: 1 },
]

const read = (file: string): string | undefined => (existsSync(ROOT + file) ? readFileSync(ROOT + file, 'utf8') : undefined)

export function chunksOfTheFirstScreen(): (id: string) => string | null {
  const base = reach(FIRST_SCREEN.slice(0, 1), read).files
  const first = reach(FIRST_SCREEN, read)
  const icons = new Set([...(first.packages.get('@lucide/vue') ?? [])].map(fileOfIcon))

  return (id) => {
    if (FRAMEWORK.test(id)) return 'base'
    const icon = ICON.exec(id)?.[1]
    if (icon !== undefined) return icons.has(icon) ? 'base' : null
    const file = id.startsWith(ROOT) ? (id.slice(ROOT.length).split('?')[0] ?? '') : ''
    if (!first.files.has(file) || file === FIRST_SCREEN[0]) return null
    return base.has(file) || COMMON.test(file) ? 'base' : 'first'
  }
}

/** `Trash2` is in trash-2.mjs. */
function fileOfIcon(name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z0-9])/g, '-').toLowerCase()
}
