/** From files to texts: a file's name is the group, the first part of the keys that it holds. */
import type { Texts } from './languages'

export function textsOf(files: Record<string, Record<string, unknown>>): Texts {
  return Object.fromEntries(Object.entries(files).map(([path, texts]) => [path.slice('./'.length, -'.json'.length), texts]))
}
