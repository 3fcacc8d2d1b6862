/** Ctrl+K on selected text while writing a message makes it a link; the address goes where the caret then stands. */
export function linkSelection(): boolean {
  const field = document.activeElement
  if (!(field instanceof HTMLTextAreaElement) || field.closest('[data-region$="omposer"]') === null) return false
  const { selectionStart: from, selectionEnd: to, value } = field
  if (from === to) return false
  const words = value.slice(from, to)
  // The one way that keeps the browser's undo.
  document.execCommand('insertText', false, `[${words}]()`)
  const at = from + words.length + '[]('.length
  field.setSelectionRange(at, at)
  return true
}
