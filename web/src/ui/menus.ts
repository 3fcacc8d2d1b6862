/** What a menu and its items know of each other. */
import type { InjectionKey } from 'vue'
import { inject, nextTick, provide } from 'vue'

import { useLayer } from './layers'

type Run = () => void

const key: InjectionKey<(run: Run) => void> = Symbol('menu')

/** For items: what is chosen is done once the menu is closed and the focus is back, so that a dialog returns it there. */
export const useAfterMenu = (): ((run: Run) => void) => inject(key, (run) => run())

/** For menus: `focus` gives the focus back; `toggled` hears of its opening, and of its end when all of that is done. */
export function useMenu(focus: () => void, toggled: (open: boolean) => void = () => undefined) {
  const layer = useLayer()
  let chosen: Run[] = []
  let elsewhere = false
  provide(key, (run) => chosen.push(run))

  return {
    opened: (): void => {
      elsewhere = false
      layer.opened()
      toggled(true)
    },
    /** Somebody went on in the page below: the focus is where they clicked. */
    outside: (): void => {
      elsewhere = true
    },
    /** For `close-auto-focus`. */
    closed: (event: Event): void => {
      event.preventDefault()
      if (!elsewhere) focus()
      const run = chosen
      chosen = []
      void nextTick(() => {
        for (const one of run) one()
        toggled(false)
        layer.closed()
      })
    },
  }
}
