/** What a row asks for, put together from the rooms that see to it. One dialog about a message is open at a time. */
import { shallowRef } from 'vue'

import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'
import { useReadPositions } from '@/entities/readPositions'
import type { MessageDialog } from '@/features/messages/actions'
import { provideMessageActions } from '@/features/messages/actions'
import { usePins } from '@/features/pins/store'
import { useSaved } from '@/features/saved/store'
import { useProblemText } from '@/locales/problemText'
import { toast } from '@/ui/toasts'

export interface OpenDialog {
  readonly kind: MessageDialog
  readonly message: Message
}

export function useMessageDialogs() {
  const { text } = useProblemText()
  const positions = useReadPositions()
  const saved = useSaved()
  const pins = usePins()
  const shown = shallowRef<OpenDialog | null>(null)

  function orSay(work: Promise<void>): void {
    work.catch((error: unknown) => toast(text(asProblem(error))))
  }

  provideMessageActions({
    isSaved: saved.isSaved,
    toggleSaved: (message) => orSay(saved.toggle(message.id)),
    togglePin: (message) => orSay(pins.toggle(message)),
    open: (kind, message) => (shown.value = { kind, message }),
    markUnread: positions.unreadFrom,
  })

  return { shown, close: () => (shown.value = null) }
}
