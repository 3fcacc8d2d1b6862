/** What Enter does while somebody writes. Pure. */
import type { EnterKey } from '@/entities/preferences'

import { isInCode } from './completion'

type Key = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey' | 'isComposing' | 'keyCode'>

/** Shift+Enter always breaks the line, Ctrl+Enter always sends; Enter that ends an IME composition belongs to the IME. */
export function sends(event: Key, wish: EnterKey, text: string, caret: number): boolean {
  if (event.key !== 'Enter' || event.shiftKey || event.altKey) return false
  // keyCode 229: Safari tells no other way.
  if (event.isComposing || event.keyCode === 229) return false
  if (event.ctrlKey || event.metaKey) return true
  return wish === 'send' || (wish === 'break-in-code' && !isInCode(text, caret))
}
