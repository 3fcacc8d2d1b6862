/** What can be done to the message of a row, and doing it: the same for the toolbar, the menu and the keys. */
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Message } from '@/api/types'
import { may } from '@/entities/permissions'
import { placeIn } from '@/entities/place'
import { saidIn } from '@/entities/quoteText'
import { useEntities } from '@/entities/store'
import { rootOf } from '@/entities/thread'
import { copyText } from '@/ui/clipboard'
import { toast } from '@/ui/toasts'

import { useMessageActions } from './actions'
import type { Deed } from './deeds'
import { deedsOf } from './deeds'
import { useQuotes } from './quotes'
import { useRemoval } from './useRemoval'

interface RowProps {
  readonly row: { readonly message: Message | null }
  readonly link: string
  readonly writable: boolean
  readonly threaded: boolean
}

/** `edit` and `thread` happen in the row and around it. */
export function useDeeds(props: RowProps, own: Record<'edit' | 'thread', () => void>) {
  const { t } = useI18n()
  const entities = useEntities()
  const actions = useMessageActions()
  const removal = useRemoval()
  const quotes = useQuotes()

  const possible = computed(() => {
    const { message } = props.row
    if (message === null) return []
    const home = entities.workspaces.get(message.workspace_id)
    const channel = entities.channels.get(message.channel_id)?.channel
    return deedsOf(message, {
      me: entities.myId,
      saved: actions.isSaved(message.id),
      writable: props.writable,
      threaded: props.threaded,
      countsReading: actions.markUnread !== null,
      history: home?.workspace.history_policy ?? 'edits',
      mayPin: may(home, 'pin_messages') || channel?.created_by === entities.myId,
      mayDelete: may(home, 'delete_messages'),
    })
  })

  async function copy(text: string, note: string): Promise<void> {
    if (await copyText(text)) toast(t(note))
  }

  /** False when it cannot be done here. */
  function perform(deed: Deed): boolean {
    const { message } = props.row
    if (message === null || !possible.value.some((group) => group.includes(deed))) return false
    switch (deed) {
      case 'copyLink':
        void copy(props.link, 'messages.linkCopied')
        break
      case 'copyText':
        void copy(saidIn(message), 'messages.textCopied')
        break
      case 'delete':
        if (message.author_id === entities.myId) removal.remove(message)
        else actions.open('delete', message)
        break
      case 'edit':
      case 'thread':
        own[deed]()
        break
      case 'markUnread':
        actions.markUnread?.(message)
        break
      case 'pin':
        actions.togglePin(message)
        break
      case 'quote':
        quotes.quote(placeIn(message.channel_id, props.threaded ? null : rootOf(message)), message)
        break
      case 'save':
        actions.toggleSaved(message)
        break
      default:
        actions.open(deed, message)
    }
    return true
  }

  return { possible, perform, saved: computed(() => props.row.message !== null && actions.isSaved(props.row.message.id)) }
}
