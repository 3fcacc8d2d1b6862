/** What tabs of one browser share. For tests only. */

/** Web Locks as far as they are used: a queue, `signal`, `steal`, `query`. */
export class Locks {
  #holder: { give: () => void; rob: () => void } | null = null
  #queue: (() => void)[] = []
  name = ''

  request(name: string, how: LockOptions, work: () => Promise<void>): Promise<void> {
    this.name = name
    return new Promise((resolve, reject) => {
      const take = (): void => {
        const holder = {
          give: () => {
            if (this.#holder !== holder) return
            this.#holder = null
            this.#queue.shift()?.()
          },
          rob: () => reject(new DOMException('stolen', 'AbortError')),
        }
        this.#holder = holder
        void work().then(() => {
          holder.give()
          resolve()
        })
      }
      how.signal?.addEventListener('abort', () => {
        this.#queue = this.#queue.filter((waiting) => waiting !== take)
        reject(new DOMException('aborted', 'AbortError'))
      })
      if (how.steal) {
        this.#holder?.rob()
        take()
      } else if (this.#holder === null) take()
      else this.#queue.push(take)
    })
  }

  query(): Promise<LockManagerSnapshot> {
    return Promise.resolve({ held: this.#holder === null ? [] : [{ name: this.name }], pending: [] })
  }

  /** A tab was closed: it runs no more code, and the browser gives its lock on. */
  closeHolder(): void {
    this.#holder?.give()
  }
}

/** Channels of one browser: a message comes later, to all others, as a copy. */
export class Air {
  readonly #channels = new Set<FakeChannel>()
  /** Frozen pages get nothing. */
  readonly deaf = new Set<FakeChannel>()

  join(channel: FakeChannel): void {
    this.#channels.add(channel)
  }

  leave(channel: FakeChannel): void {
    this.#channels.delete(channel)
  }

  post(from: FakeChannel, data: unknown): void {
    if (this.deaf.has(from)) return
    for (const to of this.#channels) {
      if (to !== from && to.name === from.name && !this.deaf.has(to)) {
        const message = new MessageEvent('message', { data: structuredClone(data) })
        queueMicrotask(() => this.#channels.has(to) && to.dispatchEvent(message))
      }
    }
  }
}

export class FakeChannel extends EventTarget {
  constructor(
    private readonly air: Air,
    readonly name: string,
  ) {
    super()
    air.join(this)
  }

  postMessage = (data: unknown): void => this.air.post(this, data)
  close = (): void => this.air.leave(this)
}
