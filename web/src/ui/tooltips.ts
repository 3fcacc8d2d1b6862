/**
 * One tooltip for the whole page: there are hundreds of buttons, and one of them is pointed at. It comes a moment after
 * the pointer and at once with the keyboard; Esc, a click and a leaving pointer end it, and so does what opens above it.
 */
import { readonly, shallowRef } from 'vue'

export type Side = 'top' | 'bottom' | 'start' | 'end'

export interface Tip {
  readonly text: string
  /** The action of the keyboard map that the button does. */
  readonly action?: string | undefined
  readonly side: Side
}

const WAIT_MS = 300
/** After one was shown the next comes at once, for this long. */
const WARM_MS = 400

const current = shallowRef<{ anchor: HTMLElement; tip: Tip } | null>(null)
export const shownTip = readonly(current)

let timer: ReturnType<typeof setTimeout> | undefined
let left = 0

export function showTip(anchor: HTMLElement, tip: Tip, wait: boolean): void {
  clearTimeout(timer)
  const cold = performance.now() - left > WARM_MS
  timer = setTimeout(() => (current.value = { anchor, tip }), wait && cold ? WAIT_MS : 0)
}

export function hideTip(): void {
  clearTimeout(timer)
  if (current.value === null) return
  current.value = null
  left = performance.now()
}

/** For `v-on` of whatever has a tooltip. */
export function tipListeners(tip: () => Tip) {
  return {
    pointerenter: (event: PointerEvent) => {
      if (event.pointerType !== 'touch') showTip(event.currentTarget as HTMLElement, tip(), true)
    },
    pointerleave: hideTip,
    pointerdown: hideTip,
    focus: (event: FocusEvent) => {
      const anchor = event.currentTarget as HTMLElement
      if (anchor.matches(':focus-visible')) showTip(anchor, tip(), false)
    },
    blur: hideTip,
  }
}
