/**
 * Time since it was made. The clock of the page may stand still while the machine sleeps, the one on the wall may be
 * set back: the longer of the two times is the safe one.
 */
export class Stopwatch {
  readonly #page = performance.now()
  readonly #wall = Date.now()

  get ms(): number {
    return Math.max(performance.now() - this.#page, Date.now() - this.#wall)
  }
}
