/** Ctrl+B, Ctrl+I, Ctrl+Shift+X and Ctrl+Alt+C mark what is selected. By the place of the key, whatever the layout. */
import { applyEdit, selected } from './fieldEdit'
import type { Mark } from './formatting'
import { marked } from './formatting'

/** True when the key was for it. */
export function formatByKey(event: KeyboardEvent, field: HTMLTextAreaElement): boolean {
  const mark = markOf(event)
  if (mark === null) return false
  event.preventDefault()
  event.stopPropagation()
  applyEdit(field, marked(selected(field), mark))
  return true
}

function markOf(event: KeyboardEvent): Mark | null {
  if (!(event.ctrlKey || event.metaKey)) return null
  if (event.altKey) return event.code === 'KeyC' && !event.shiftKey ? 'code' : null
  if (event.shiftKey) return event.code === 'KeyX' ? 'strike' : null
  return event.code === 'KeyB' ? 'bold' : event.code === 'KeyI' ? 'italic' : null
}
