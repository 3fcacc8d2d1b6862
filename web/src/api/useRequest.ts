/** What a dialog or a form asks the server for: whether it is on its way, and what came of it. */
import type { Ref } from 'vue'
import { ref, shallowRef } from 'vue'

import type { Problem } from './problem'
import { asProblem } from './problem'

export interface Request {
  readonly busy: Readonly<Ref<boolean>>
  /** Of the last one; null while it is on its way, and when it went well. */
  readonly problem: Readonly<Ref<Problem | null>>
  /** True when it went well. Never throws. A second one while the first is on its way is not begun. */
  send: (work: () => Promise<unknown>) => Promise<boolean>
}

export function useRequest(): Request {
  const busy = ref(false)
  const problem = shallowRef<Problem | null>(null)

  async function send(work: () => Promise<unknown>): Promise<boolean> {
    if (busy.value) return false
    busy.value = true
    problem.value = null
    try {
      await work()
      return true
    } catch (error) {
      problem.value = asProblem(error)
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, problem, send }
}
