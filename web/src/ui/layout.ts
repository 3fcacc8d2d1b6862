/** What stands on the keys of this keyboard, as far as the browser tells; empty elsewhere. */
import { shallowRef } from 'vue'

interface Keyboard {
  getLayoutMap?: () => Promise<ReadonlyMap<string, string>>
}

export const layout = shallowRef<ReadonlyMap<string, string>>(new Map())

const keyboard = (navigator as { keyboard?: Keyboard }).keyboard
// Not told to pages inside frames, for one.
void keyboard?.getLayoutMap?.().then((map) => (layout.value = new Map(map)), () => undefined)
