/** What a row can do that other rooms see to; the app puts it together, and the row only asks for it. */
import type { InjectionKey } from 'vue'
import { inject, provide } from 'vue'

import type { Message } from '@/api/types'

export type MessageDialog = 'delete' | 'forward' | 'history' | 'remind' | 'report'

export interface MessageActions {
  isSaved: (messageId: string) => boolean
  toggleSaved: (message: Message) => void
  togglePin: (message: Message) => void
  /** A dialog about the message; the focus comes back to the row. */
  open: (dialog: MessageDialog, message: Message) => void
  /** Null where reading is not counted. */
  markUnread: ((message: Message) => void) | null
}

const NONE: MessageActions = {
  isSaved: () => false,
  toggleSaved: () => undefined,
  togglePin: () => undefined,
  open: () => undefined,
  markUnread: null,
}
const key: InjectionKey<MessageActions> = Symbol('message actions')

export const provideMessageActions = (actions: MessageActions): void => provide(key, actions)
export const useMessageActions = (): MessageActions => inject(key, NONE)
