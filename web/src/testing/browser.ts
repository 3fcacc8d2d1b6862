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

/** Web Locks of many names, as each tab of a browser has them. */
export class NamedLocks {
  readonly #lines = new Map<string, { tab: object; take: (() => void) | null; give: () => void }[]>()

  tab(): { locks: LockManager; close: () => void } {
    const tab = {}
    const request = (name: string, ...rest: [LockOptions, () => unknown] | [() => unknown]): Promise<unknown> =>
      this.#stand(tab, name, rest.at(-1) as () => unknown, rest.length === 2 ? (rest[0] as LockOptions).signal : undefined)
    return { locks: { request } as unknown as LockManager, close: () => this.#close(tab) }
  }

  #stand(tab: object, name: string, work: () => unknown, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(name) ?? []
      this.#lines.set(name, line)
      const place = {
        tab,
        take: (): void => {
          place.take = null
          void Promise.resolve(work()).then(resolve, reject).finally(place.give)
        },
        give: (): void => this.#leave(line, place),
      } as { tab: object; take: (() => void) | null; give: () => void }
      line.push(place)
      signal?.addEventListener('abort', () => place.take !== null && (place.give(), reject(new DOMException('aborted', 'AbortError'))))
      if (line.length === 1) place.take?.()
    })
  }

  #leave<Place extends { take: (() => void) | null }>(line: Place[], place: Place): void {
    const at = line.indexOf(place)
    if (at < 0) return
    line.splice(at, 1)
    if (at === 0) line[0]?.take?.()
  }

  /** It runs no more code, and the browser gives its locks on. */
  #close(tab: object): void {
    for (const line of this.#lines.values()) {
      for (const place of line.filter((one) => one.tab === tab && one !== line[0])) line.splice(line.indexOf(place), 1)
      if (line[0]?.tab === tab) this.#leave(line, line[0])
    }
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
