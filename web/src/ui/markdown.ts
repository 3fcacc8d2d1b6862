/** Markdown to safe HTML (markdown/grammar.ts says how texts are read); DOMPurify checks the result once more. */
import DOMPurify from 'dompurify'
import { watch } from 'vue'

import type { References } from './markdown/grammar'
import { markdown, SCHEMES } from './markdown/grammar'
import type { Names } from './markdown/names'
import { hasNames } from './markdown/names'
import { hasPermalink } from './markdown/permalinks'
import { emojiByName } from './markdown/shortcodes'

const CACHE_SIZE = 500

const cache = new Map<string, string>()
watch(emojiByName, () => cache.clear(), { flush: 'sync' })

interface Surroundings {
  references?: References | undefined
  names?: Names | undefined
}

/**
 * With `references`, even none, the result is not kept: such a text is on one row, or changes all the time. Nor is it with
 * names in it: people and channels are renamed.
 */
export function renderMarkdown(text: string, { references, names: known }: Surroundings = {}): string {
  if (references !== undefined || (known !== undefined && (hasNames(text) || hasPermalink(text)))) {
    return sanitized(markdown.render(text, { references, names: known }))
  }
  const kept = cache.get(text)
  if (kept !== undefined) return kept
  const html = sanitized(markdown.render(text))
  if (cache.size >= CACHE_SIZE) cache.delete(cache.keys().next().value ?? '')
  cache.set(text, html)
  return html
}

function sanitized(html: string): string {
  return DOMPurify.sanitize(html, {
    USE_PROFILES: { html: true },
    ADD_ATTR: ['target'],
    FORBID_TAGS: ['style', 'img', 'form', 'input', 'button'],
    FORBID_ATTR: ['style', 'id', 'name'],
    ALLOWED_URI_REGEXP: SCHEMES,
  })
}
