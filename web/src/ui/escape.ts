/** What Esc closes once no layer is open: what came last first, until one has done something. */
import { onScopeDispose } from 'vue'

type Close = () => boolean

let closers: readonly Close[] = []

/** `close` says whether there was something to close. */
export function useEscape(close: Close): void {
  closers = [...closers, close]
  onScopeDispose(() => (closers = closers.filter((other) => other !== close)))
}

export const escaped = (): boolean => closers.toReversed().some((close) => close())
