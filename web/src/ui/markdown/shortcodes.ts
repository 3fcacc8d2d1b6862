/** `:tada:` as 🎉. The table of names is a chunk of its own, loaded when a text first has something like a name. */
import type MarkdownIt from 'markdown-it'
import { shallowRef } from 'vue'

const CODE = /:([a-z0-9_+-]{2,40}):/y
const LIKE_A_CODE = /:[a-z0-9_+-]{2,40}:/

/** Emoji by name; null until they are loaded. */
export const emojiByName = shallowRef<Readonly<Record<string, string>> | null>(null)
let loading: Promise<void> | null = null

/** The table, if this text has something like a name and the table is not here yet. */
export async function shortcodesFor(text: string): Promise<void> {
  if (LIKE_A_CODE.test(text) && emojiByName.value === null) await loadShortcodes()
}

export function loadShortcodes(): Promise<void> {
  loading ??= import('markdown-it-emoji/lib/data/full.mjs').then(
    ({ default: table }) => {
      emojiByName.value = table
    },
    () => {
      // Names stay names; the next text asks again.
      loading = null
    },
  )
  return loading
}

export function shortcodes(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('autolink', 'shortcode', (state, silent) => {
    if (state.src[state.pos] !== ':' || emojiByName.value === null) return false
    CODE.lastIndex = state.pos
    const [written = '', name = ''] = CODE.exec(state.src) ?? []
    const end = state.pos + written.length
    if (written === '' || end > state.posMax || !Object.hasOwn(emojiByName.value, name)) return false
    // Not the middle of something else, such as a time or a path.
    if (/[\p{L}\p{N}]/u.test(`${state.src[state.pos - 1] ?? ''}${state.src[end] ?? ''}`)) return false
    if (!silent) state.push('text', '', 0).content = emojiByName.value[name] ?? written
    state.pos = end
    return true
  })
}
