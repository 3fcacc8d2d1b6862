/**
 * What waits for the network, on disk (IndexedDB), until the server has it; each kind in a database of its own. Without one
 * (private mode, blocked) it waits in memory only.
 */
import type { DBSchema, IDBPDatabase } from 'idb'
import { openDB } from 'idb'

interface Waiting {
  /** UUIDv7: their order is the order in which somebody wanted them. */
  readonly id: string
  readonly userId: string
  readonly state: 'queued' | 'sending' | 'failed'
}

interface Schema<T> extends DBSchema {
  items: { key: string; value: T; indexes: { byUser: string } }
}

export interface OnDisk<T> {
  /** In the order in which somebody wanted them. */
  all: (userId: string) => Promise<T[]>
  /** Rejects when there is no room. Resolves to whether it is on disk. */
  put: (item: T) => Promise<boolean>
  remove: (id: string) => Promise<void>
  /** False when another tab has seen to it, or dropped it. True when there is no database to ask. */
  has: (id: string) => Promise<boolean>
  clear: (userId: string) => Promise<void>
}

/** As it is written down: a try that a reload cuts short is made again, under the same id. */
export function atRest<T extends Waiting>(item: T): T {
  return item.state === 'sending' ? { ...item, state: 'queued' } : item
}

export function onDisk<T extends Waiting>(name: string, store: string): OnDisk<T> {
  // The types want a store's name written out.
  const items = store as 'items'
  let database: Promise<IDBPDatabase<Schema<T>> | null> | null = null

  function open(): Promise<IDBPDatabase<Schema<T>> | null> {
    database ??= opened().catch(() => {
      // Another time it may open.
      database = null
      return null
    })
    return database
  }

  /** Rejects as well where the browser throws at once, as one does that keeps nothing. */
  async function opened(): Promise<IDBPDatabase<Schema<T>>> {
    return openDB<Schema<T>>(name, 1, {
      upgrade(db) {
        db.createObjectStore(items, { keyPath: 'id' }).createIndex('byUser', 'userId')
      },
    })
  }

  return {
    async all(userId) {
      const found = (await (await open())?.getAllFromIndex(items, 'byUser', userId)) ?? []
      return found.map(atRest).sort((a, b) => (a.id < b.id ? -1 : 1))
    },

    async put(item) {
      const db = await open()
      if (db === null) return false
      const work = db.transaction(items, 'readwrite')
      const put = work.store.put(atRest(item))
      // Or the browser would wait for this page's word, which does not come when it is left right now.
      work.commit()
      await Promise.all([put, work.done])
      return true
    },

    async remove(id) {
      await (await open())?.delete(items, id)
    },

    async has(id) {
      const db = await open()
      return db === null || (await db.getKey(items, id)) !== undefined
    },

    async clear(userId) {
      const db = await open()
      if (db === null) return
      const work = db.transaction(items, 'readwrite')
      for (const id of await work.store.index('byUser').getAllKeys(userId)) await work.store.delete(id)
      await work.done
    },
  }
}
