/** What a row asks for, put together from the rooms that see to it. One dialog about a message is open at a time. */
import { shallowRef } from 'vue'

import type { Message } from '@/api/types'
import { useReadPositions } from '@/entities/readPositions'
import type { MessageDialog } from '@/features/messages/actions'
import { provideMessageActions } from '@/features/messages/actions'
import { usePins } from '@/features/pins/store'
import { useSaved } from '@/features/saved/store'

export interface OpenDialog {
  readonly kind: MessageDialog
  readonly message: Message
}

export function useMessageDialogs() {
  const positions = useReadPositions()
  const saved = useSaved()
  const pins = usePins()
  const shown = shallowRef<OpenDialog | null>(null)

  provideMessageActions({
    isSaved: saved.isSaved,
    toggleSaved: saved.toggle,
    togglePin: pins.toggle,
    open: (kind, message) => (shown.value = { kind, message }),
    markUnread: positions.unreadFrom,
  })

  return { shown, close: () => (shown.value = null) }
}
