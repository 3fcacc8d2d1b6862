/**
 * Deleting: the message goes at once, and for a while it can be brought back. What the server refuses comes back by itself,
 * with the reason.
 */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import { useI18n } from 'vue-i18n'

import { changes } from '@/api/marks'
import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'
import { applyChange, applyPresent } from '@/entities/apply'
import { useEntities } from '@/entities/store'
import { useProblemText } from '@/locales/problemText'
import { toast } from '@/ui/toasts'

/** The note with "Undo"; the row itself offers it for as long as the server does. */
const NOTE_MS = 5_000
const WINDOW_MS = 5 * 60_000

/** What this page deleted and the server still has, by message. */
export const useUndoable = defineStore('undoable', () => {
  const ids = shallowReactive(new Set<string>())

  function add(id: string): void {
    ids.add(id)
    setTimeout(() => ids.delete(id), WINDOW_MS)
  }

  return { has: (id: string) => ids.has(id), add, drop: (id: string) => ids.delete(id) }
})

export function withoutContent(message: Message): Message {
  return {
    ...message,
    deleted_at: new Date().toISOString(),
    text: '', reactions: [], mentions: [], channels: [], messages: [], links: [], pinned: null, ai: null,
  }
}

export function useRemoval() {
  const { t } = useI18n()
  const { text } = useProblemText()
  const entities = useEntities()
  const undoable = useUndoable()

  /** An answer of the bot does not come back. */
  function offerUndo(message: Message): void {
    const undo = { label: t('messages.undo'), run: () => void restore(message.id) }
    if (message.ai === null) undoable.add(message.id)
    toast(t('messages.deletedNote'), message.ai === null ? { action: undo, ms: NOTE_MS } : {})
  }

  /** At once, without asking: what is one's own. */
  async function remove(message: Message): Promise<void> {
    applyChange(entities, withoutContent(message))
    const done = removeFor(message, '')
    offerUndo(message)
    try {
      await done
    } catch (error) {
      undoable.drop(message.id)
      applyPresent(entities, message)
      toast(text(asProblem(error)))
    }
  }

  /** Somebody else's, with a reason that they are told. Throws a Problem when it is refused. */
  async function removeFor(message: Message, reason: string): Promise<void> {
    applyChange(entities, (await changes.remove(message.id, reason)).message)
  }

  async function restore(messageId: string): Promise<void> {
    try {
      applyPresent(entities, (await changes.restore(messageId)).message)
      undoable.drop(messageId)
    } catch (error) {
      toast(text(asProblem(error)))
    }
  }

  return { remove, removeFor, offerUndo, restore }
}
