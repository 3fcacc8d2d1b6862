/** Asking once for what somebody may ask for again, because no answer came. */
import { uuidv7 } from './ids'

/**
 * A key for each wish. The same wish keeps its key until it was fulfilled, so that pressing the button again after a lost
 * answer gives what the first request made; another wish, or the same one after that, is a new one.
 */
export function useOnce(): <T>(wish: unknown, ask: (key: string) => Promise<T>) => Promise<T> {
  let pending: { wish: string; key: string } | null = null
  return async (wish, ask) => {
    const written = JSON.stringify(wish)
    if (pending?.wish !== written) pending = { wish: written, key: uuidv7() }
    const answer = await ask(pending.key)
    pending = null
    return answer
  }
}
