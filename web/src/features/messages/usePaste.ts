/** What is pasted into a field: an address over words makes a link, formatted text becomes Markdown; Ctrl+Shift+V pastes plain. */
import { applyEdit, insertText, selected } from './fieldEdit'
import { isAddress, linked } from './formatting'

/** Only text that looks like something is more than its words: editors of code wrap every line in elements. */
const FORMATTED = /<(?:a|b|strong|i|em|s|del|ul|ol|h[1-6]|blockquote|table|pre|code)[\s>]/i

export function usePaste() {
  let plain = false

  function onKey(event: KeyboardEvent): void {
    if (event.key.toLowerCase() === 'v') plain = event.shiftKey
  }

  function onPaste(event: ClipboardEvent): void {
    const field = event.currentTarget as HTMLTextAreaElement
    const text = event.clipboardData?.getData('text/plain') ?? ''
    const html = event.clipboardData?.getData('text/html') ?? ''
    const wanted = !plain
    plain = false
    if (!wanted) return
    const now = selected(field)
    if (now.start < now.end && isAddress(text)) applyEdit(field, linked(now, text.trim()))
    else if (FORMATTED.test(html)) void asMarkdown(html, text).then((words) => insertText(field, words))
    else return
    event.preventDefault()
  }

  return { onKey, onPaste }
}

async function asMarkdown(html: string, otherwise: string): Promise<string> {
  try {
    const pasted = await import('./pastedHtml')
    return pasted.asMarkdown(html)
  } catch {
    // The chunk did not come: the words are there all the same.
    return otherwise
  }
}
