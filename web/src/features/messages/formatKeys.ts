/** Keys of the map that mark what is selected. */
import { actionFor } from '@/ui/actions'

import { applyEdit, selected } from './fieldEdit'
import type { Mark } from './formatting'
import { marked, MARKS } from './formatting'

const isMark = (action: string | null): action is Mark => action !== null && Object.hasOwn(MARKS, action)

/** True when the key was for it. */
export function formatByKey(event: KeyboardEvent, field: HTMLTextAreaElement): boolean {
  const action = actionFor(event, 'composer')
  if (!isMark(action)) return false
  event.preventDefault()
  event.stopPropagation()
  applyEdit(field, marked(selected(field), action))
  return true
}
