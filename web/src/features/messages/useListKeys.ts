/** Keys of the list beside moving in it: "last" leads to the end of all, also where that is not loaded. */
import { actionFor } from '@/ui/actions'

interface Parts {
  move: (event: KeyboardEvent) => void
  /** Null where the end is loaded: moving leads there. */
  toLatest: () => (() => Promise<void>) | null
}

export function useListKeys({ move, toLatest }: Parts): (event: KeyboardEvent) => void {
  return (event) => {
    const onRow = !event.defaultPrevented && (event.target as HTMLElement).matches('[data-key]')
    const further = onRow && actionFor(event, 'message') === 'last' ? toLatest() : null
    if (further !== null) void further()
    else move(event)
  }
}
