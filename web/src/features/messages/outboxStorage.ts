/** The outbox on disk (IndexedDB). Without one (private mode, blocked) messages wait in memory only. */
import type { DBSchema, IDBPDatabase } from 'idb'
import { openDB } from 'idb'

import type { Pending } from './delivery'
import { atRest } from './delivery'

interface Schema extends DBSchema {
  outbox: { key: string; value: Pending; indexes: { byUser: string } }
}

let database: Promise<IDBPDatabase<Schema> | null> | null = null

function open(): Promise<IDBPDatabase<Schema> | null> {
  database ??= openDB<Schema>('tertulia', 1, {
    upgrade(db) {
      db.createObjectStore('outbox', { keyPath: 'id' }).createIndex('byUser', 'userId')
    },
  }).catch(() => {
    // Another time it may open.
    database = null
    return null
  })
  return database
}

export const outboxStorage = {
  async all(userId: string): Promise<Pending[]> {
    const items = (await (await open())?.getAllFromIndex('outbox', 'byUser', userId)) ?? []
    // Ids are UUIDv7: their order is the order of writing.
    return items.map(atRest).sort((a, b) => (a.id < b.id ? -1 : 1))
  },

  /** Rejects when there is no room. Resolves to whether it is on disk. */
  async put(pending: Pending): Promise<boolean> {
    const db = await open()
    if (db === null) return false
    const work = db.transaction('outbox', 'readwrite')
    const put = work.store.put(atRest(pending))
    // Or the browser would wait for this page's word, which does not come when it is left right now.
    work.commit()
    await Promise.all([put, work.done])
    return true
  },

  async remove(id: string): Promise<void> {
    await (await open())?.delete('outbox', id)
  },

  /** False when another tab has already sent or deleted it. True when there is no database to ask. */
  async has(id: string): Promise<boolean> {
    const db = await open()
    return db === null || (await db.getKey('outbox', id)) !== undefined
  },

  async clear(userId: string): Promise<void> {
    const db = await open()
    if (db === null) return
    const work = db.transaction('outbox', 'readwrite')
    for (const id of await work.store.index('byUser').getAllKeys(userId)) await work.store.delete(id)
    await work.done
  },
}
