/** Changes a field as if it had been typed, so that the browser's undo takes it back. */
import type { Edit, Selected } from './formatting'

export function selected(field: HTMLTextAreaElement): Selected {
  return { text: field.value, start: field.selectionStart, end: field.selectionEnd }
}

export function applyEdit(field: HTMLTextAreaElement, { start, end, insert, select }: Edit): void {
  field.focus()
  field.setSelectionRange(start, end)
  // Deprecated, and still the only way that keeps the history of the field.
  const typed = insert === '' ? document.execCommand('delete') : document.execCommand('insertText', false, insert)
  if (!typed) {
    field.setRangeText(insert, start, end, 'end')
    field.dispatchEvent(new Event('input', { bubbles: true }))
  }
  field.setSelectionRange(...select)
}

/** At the caret, in place of what is selected. */
export function insertText(field: HTMLTextAreaElement, text: string): void {
  const { selectionStart: start, selectionEnd: end } = field
  const after = start + text.length
  applyEdit(field, { start, end, insert: text, select: [after, after] })
}
