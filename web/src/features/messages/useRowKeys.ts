/** The keys of a message, while the row itself has the focus; Esc in its toolbar leads back to it. */
import type { Ref } from 'vue'

import { actionFor } from '@/ui/actions'

import type { Deed } from './deeds'
import { rowKey } from './deeds'
import { QUICK } from './reactions'

interface RowDoings {
  perform: (deed: Deed) => boolean
  menu: () => unknown
  react: (emoji: string) => unknown
  pick: () => unknown
}

export function useRowKeys(root: Readonly<Ref<HTMLElement | null>>, row: RowDoings): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.target !== root.value) {
      if (event.key !== 'Escape' || event.defaultPrevented) return
      root.value?.focus()
      event.preventDefault()
      return
    }
    const meant = rowKey(actionFor(event, 'message'))
    if (meant === null) return
    if (meant === 'menu') row.menu()
    else if (meant === 'thumb') row.react(QUICK[0] as string)
    else if (meant === 'pick') row.pick()
    else if (!row.perform(meant)) return
    event.preventDefault()
  }
}
