/**
 * Layers are what lies above the page for a while: menus, dialogs, popovers. Each counts itself from the moment it opens
 * until the focus is back where it came from, so that what it was opened from can stay as it is meanwhile.
 */
import { nextTick, onScopeDispose } from 'vue'

let open = 0
let waiting: (() => void)[] = []

export const layersAreOpen = (): boolean => open > 0

/** Called once, when the last layer is gone. */
export function afterLayers(run: () => void): void {
  waiting.push(run)
}

/** Something that is to be closed before Esc or a key means anything to the page below it. */
export function layerAbove(): boolean {
  return document.querySelector('dialog[open], [data-dismissable-layer], [popover]:popover-open') !== null
}

/** One layer: say when it opens, and when it is closed and the focus is back. */
export function useLayer(): { opened: () => void; closed: () => void } {
  let counted = false

  function opened(): void {
    if (!counted) open += 1
    counted = true
  }

  function closed(): void {
    if (!counted) return
    counted = false
    open -= 1
    if (open === 0) void nextTick(tell)
  }

  onScopeDispose(closed)
  return { opened, closed }
}

function tell(): void {
  if (open > 0) return
  const run = waiting
  waiting = []
  for (const one of run) one()
}
