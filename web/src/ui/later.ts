/**
 * Parts of the page that its first screen does without. Each is loaded when it is first needed, and all of them once the page
 * has nothing else to do, so that nobody waits for a dialog.
 */
import type { AsyncComponentLoader, Component } from 'vue'
import { defineAsyncComponent } from 'vue'

type Load = () => Promise<unknown>

const parts = new Set<Load>()
/** What any of them may need beside itself. */
let besides: Load = () => Promise.resolve()

export function alsoLoad(load: Load): void {
  besides = load
}

/** A component that is a chunk of its own. */
export function later<T extends Component>(load: () => Promise<{ default: T }>): T {
  const whole = async (): Promise<{ default: T }> => (await Promise.all([load(), besides()]))[0]
  parts.add(whole)
  return defineAsyncComponent(whole as AsyncComponentLoader<T>)
}

/** All of them, one at a time and only while nothing else is to be done. What fails is loaded when it is needed. */
export async function loadParts(): Promise<void> {
  for (const load of parts) {
    if (!navigator.onLine) return
    await new Promise((idle) => (window.requestIdleCallback ?? setTimeout)(idle))
    await load().catch(() => undefined)
  }
}
