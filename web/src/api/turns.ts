/**
 * Which of a browser's tabs sees to what waits: the one that asked first and, when it is closed, the next one that knows of it.
 * For each thing its tab holds a Web Lock, which the browser gives on. Without Web Locks (plain HTTP from another machine) no
 * turn ever comes, and a tab sees to what it has itself.
 */
export class Turns {
  readonly #lines = new Map<string, AbortController>()
  /** The types say they are always there; browsers know better. */
  readonly #locks = navigator.locks as LockManager | null | undefined

  constructor(
    private readonly name: string,
    /** It is this tab's turn. */
    private readonly begin: (id: string) => void,
  ) {}

  /** All that waits now: what is new is stood in line for, what waits no longer is given up. */
  follow(ids: Iterable<string>): void {
    const waiting = new Set(ids)
    for (const [id, line] of this.#lines) if (!waiting.has(id)) this.#leave(id, line)
    for (const id of waiting) if (!this.#lines.has(id)) this.#standInLine(id)
  }

  #leave(id: string, line: AbortController): void {
    this.#lines.delete(id)
    line.abort()
  }

  #standInLine(id: string): void {
    if (!this.#locks) return
    const line = new AbortController()
    this.#lines.set(id, line)
    const left = new Promise<void>((resolve) => line.signal.addEventListener('abort', () => resolve()))
    const turn = (): Promise<void> => {
      this.begin(id)
      return left
    }
    // Whoever leaves the line before the turn comes is told so.
    this.#locks.request(`tertulia.${this.name}.${id}`, { signal: line.signal }, turn).catch(() => undefined)
  }
}
