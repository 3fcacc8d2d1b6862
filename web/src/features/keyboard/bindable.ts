/** Which keys an action may have, and from which others they are taken for it. Pure. */
import type { Action } from '@/ui/actions'
import { clash, parse } from '@/ui/keys'

/** Parts of the page have keys of their own: the same ones may mean something else there. */
const PAGE: ReadonlySet<string> = new Set(['everywhere', 'page'])
/** In an empty field keys that move a caret are free. */
const IN_EMPTY = new Set(['editLast', 'replyLast'])
const MOVING = /^(?:Arrow|Page|Home$|End$)/

/** While somebody writes, a key without Ctrl, Alt or Cmd belongs to the text. */
export function mayHave({ id, where }: Action, keys: string): boolean {
  if (where !== 'composer') return true
  return parse(keys).every(
    ({ mod, ctrl, alt, key }) => mod || ctrl || alt || /^F\d/.test(key) || (IN_EMPTY.has(id) && MOVING.test(key)),
  )
}

function together(one: Action, other: Action): boolean {
  return one.where === other.where || (PAGE.has(one.where) && PAGE.has(other.where))
}

/** Actions that would have the same keys in the same place. */
export function rivals(action: Action, keys: string, all: readonly Action[], keysOf: (id: string) => readonly string[]): Action[] {
  return all.filter((other) => other.id !== action.id && together(action, other) && keysOf(other.id).some((one) => clash(one, keys)))
}
