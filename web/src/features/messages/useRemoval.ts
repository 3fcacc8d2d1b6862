/**
 * Deleting: the message goes at once, and for a while it can be brought back. What the server refuses comes back by itself,
 * with the reason.
 */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Message } from '@/api/types'
import { useWishes } from '@/entities/wishQueue'
import { toast } from '@/ui/toasts'

/** The note with "Undo"; the row itself offers it for as long as the server does. */
const NOTE_MS = 5_000
const WINDOW_MS = 5 * 60_000

/** What was deleted here and is not lost yet. */
export const useUndoable = defineStore('undoable', () => {
  const wishes = useWishes()
  /** What the server still has, by message. An answer of the bot does not come back. */
  const ids = shallowReactive(new Set<string>())

  wishes.onSettled(({ kind, wanted, messageId }, { message, problem }) => {
    if (kind !== 'gone' || problem !== null) return
    if (wanted === false || message?.ai !== null) return void ids.delete(messageId)
    ids.add(messageId)
    setTimeout(() => ids.delete(messageId), WINDOW_MS)
  })

  return { has: (id: string) => ids.has(id) || wishes.wanted(id, 'gone') === true }
})

export function useRemoval() {
  const { t } = useI18n()
  const wishes = useWishes()
  useUndoable()

  /** `reason` is for the author to read, when that is somebody else. */
  function remove(message: Message, reason = ''): void {
    wishes.want(message, { kind: 'gone', reason, wanted: true, had: false })
    const undo = { label: t('messages.undo'), run: () => restore(message) }
    toast(t('messages.deletedNote'), message.ai === null ? { action: undo, ms: NOTE_MS } : {})
  }

  /** What was not deleted yet just stays. */
  function restore(message: Pick<Message, 'id' | 'channel_id'>): void {
    wishes.want(message, { kind: 'gone', wanted: false, had: true })
  }

  return { remove, restore }
}
