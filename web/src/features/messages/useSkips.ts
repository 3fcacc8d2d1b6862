/**
 * Where the first links of the page lead in a channel, a thread beside it or not: to its latest message and to its first
 * unread one, with the focus.
 */
import type { Ref } from 'vue'

import { useAction } from '@/ui/actions'

import type { MessageRow, Row } from './rows'

interface Parts {
  rows: Readonly<Ref<readonly Row[]>>
  toLatest: () => Promise<void>
  toLine: () => Promise<void>
  focus: (key: string | undefined) => void
}

const isMessage = (row: Row): row is MessageRow => row.kind === 'message'

/** The message below the "New" line. */
export function firstUnread(rows: readonly Row[]): MessageRow | undefined {
  const line = rows.findIndex((row) => row.kind === 'unread')
  return line < 0 ? undefined : rows.slice(line).find(isMessage)
}

export function useSkips({ rows, toLatest, toLine, focus }: Parts, unreadAfter: Readonly<Ref<number | null>>): void {
  useAction('skipToLatest', () => {
    void toLatest().then(() => focus(rows.value.findLast(isMessage)?.key))
  }, () => rows.value.some(isMessage))
  useAction('skipToUnread', () => {
    void toLine().then(() => focus(firstUnread(rows.value)?.key))
  }, () => unreadAfter.value !== null)
}
