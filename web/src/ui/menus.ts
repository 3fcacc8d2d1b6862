/** What a menu and its items know of each other. */
import type { Component, InjectionKey } from 'vue'
import { inject, nextTick, provide } from 'vue'

import { useLayer } from './layers'

type Run = () => void

const key: InjectionKey<(run: Run) => void> = Symbol('menu')
const lineKey: InjectionKey<Component | string> = Symbol('line')

/** For items: what is chosen is done once the menu is closed and the focus is back, so that a dialog returns it there. */
export const useAfterMenu = (): ((run: Run) => void) => inject(key, (run) => run())

/** What a line is made of is loaded with the menu around it: MenuItem is on the first screen, an open menu is not. */
export const provideLine = (line: Component): void => provide(lineKey, line)
export const useLine = (): Component | string => inject(lineKey, 'button')

let byKey = false
addEventListener('keydown', () => (byKey = true), { capture: true, passive: true })
for (const pointer of ['pointerdown', 'pointermove']) {
  addEventListener(pointer, () => (byKey = false), { capture: true, passive: true })
}

/** Whoever opens a menu by a key is on its first line. */
export const openedByKey = (): boolean => byKey

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
