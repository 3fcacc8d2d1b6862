/** Which message is being edited: one at a time, wherever somebody asked for it (its toolbar, Up in an empty composer). */
import type { WritableComputedRef } from 'vue'
import { computed, nextTick, shallowRef } from 'vue'

interface Editing {
  readonly messageId: string
  /** Gives the focus back to where it came from; null: the message keeps it. */
  readonly back: (() => void) | null
}

const current = shallowRef<Editing | null>(null)

export function startEditing(messageId: string, back: (() => void) | null = null): void {
  current.value = { messageId, back }
}

/** Whether it is this message; setting it begins and ends. */
export function useEditing(messageId: () => string | undefined): WritableComputedRef<boolean> {
  return computed({
    get: () => current.value !== null && current.value.messageId === messageId(),
    set(on) {
      const id = messageId()
      if (on && id !== undefined) return startEditing(id)
      const back = current.value?.back
      current.value = null
      if (back) void nextTick(back)
    },
  })
}
