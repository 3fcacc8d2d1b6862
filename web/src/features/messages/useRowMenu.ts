/** Opens a row's menu by its button, a right click, a long press or a key, and knows where the focus goes afterwards. */
import type { Ref } from 'vue'
import { nextTick, onBeforeUnmount, ref } from 'vue'

const LONG_PRESS_MS = 500

interface Toolbar {
  openMenu: () => void
}

export function useRowMenu(root: Readonly<Ref<HTMLElement | null>>, toolbar: Readonly<Ref<Toolbar | null>>, enabled: () => boolean) {
  /** The toolbar stays while it is open, wherever the focus is. */
  const open = ref(false)
  /** Not its button opened it, or something was chosen: the row has the focus then. */
  let toRow = false
  let pressing: ReturnType<typeof setTimeout> | undefined

  async function show(): Promise<void> {
    if (!enabled()) return
    open.value = true
    toRow = true
    await nextTick()
    toolbar.value?.openMenu()
  }

  async function onToggle(now: boolean): Promise<void> {
    open.value = now
    if (now || !toRow) return
    toRow = false
    await nextTick()
    const at = document.activeElement
    if (at === document.body || at?.closest('[role="group"]')?.parentElement === root.value) root.value?.focus()
  }

  function onContextMenu(event: MouseEvent): void {
    // What the browser offers for links, fields and selected text is not taken away.
    const own = (event.target as Element).closest('a, input, textarea, [role="menu"]') !== null
    if (own || !enabled() || getSelection()?.isCollapsed === false) return
    event.preventDefault()
    void show()
  }

  function release(): void {
    clearTimeout(pressing)
  }

  function onPress(event: PointerEvent): void {
    release()
    const button = (event.target as Element).closest('a, button, textarea') !== null
    if (event.pointerType === 'touch' && !button) pressing = setTimeout(() => void show(), LONG_PRESS_MS)
  }

  onBeforeUnmount(release)
  const listeners = {
    contextmenu: onContextMenu,
    pointerdown: onPress,
    pointerup: release,
    pointercancel: release,
    pointermove: release,
  }
  return { open, show, onToggle, listeners, chosen: () => (toRow = true) }
}
