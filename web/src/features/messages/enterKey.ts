/** What Enter does while somebody writes. Pure. */
import { isInCode } from './completion'

/** `break`: a new line, and Ctrl+Enter sends. `break-in-code`: that only inside of a block of code. */
export type EnterKey = 'send' | 'break' | 'break-in-code'

type Key = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey' | 'isComposing' | 'keyCode'>

/** Shift+Enter always breaks the line, Ctrl+Enter always sends; Enter that ends an IME composition belongs to the IME. */
export function sends(event: Key, wish: EnterKey, text: string, caret: number): boolean {
  if (event.key !== 'Enter' || event.shiftKey || event.altKey) return false
  // keyCode 229: Safari tells no other way.
  if (event.isComposing || event.keyCode === 229) return false
  if (event.ctrlKey || event.metaKey) return true
  return wish === 'send' || (wish === 'break-in-code' && !isInCode(text, caret))
}
