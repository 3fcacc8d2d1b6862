/** Wishes on disk (IndexedDB), beside the outbox. Without one (private mode, blocked) they wait in memory only. */
import type { DBSchema, IDBPDatabase } from 'idb'
import { openDB } from 'idb'

import type { Wish } from './wishes'
import { atRest } from './wishes'

interface Schema extends DBSchema {
  wishes: { key: string; value: Wish; indexes: { byUser: string } }
}

let database: Promise<IDBPDatabase<Schema> | null> | null = null

function open(): Promise<IDBPDatabase<Schema> | null> {
  // A database of its own: pages of an older version may have the outbox open.
  database ??= openDB<Schema>('tertulia.wishes', 1, {
    upgrade(db) {
      db.createObjectStore('wishes', { keyPath: 'id' }).createIndex('byUser', 'userId')
    },
  }).catch(() => {
    // Another time it may open.
    database = null
    return null
  })
  return database
}

export const wishStorage = {
  /** In the order in which somebody had them. */
  async all(userId: string): Promise<Wish[]> {
    const wishes = (await (await open())?.getAllFromIndex('wishes', 'byUser', userId)) ?? []
    return wishes.map(atRest).sort((a, b) => (a.id < b.id ? -1 : 1))
  },

  /** Rejects when there is no room. Resolves to whether it is on disk. */
  async put(wish: Wish): Promise<boolean> {
    const db = await open()
    if (db === null) return false
    const work = db.transaction('wishes', 'readwrite')
    const put = work.store.put(atRest(wish))
    // Or the browser would wait for this page's word, which does not come when it is left right now.
    work.commit()
    await Promise.all([put, work.done])
    return true
  },

  async remove(id: string): Promise<void> {
    await (await open())?.delete('wishes', id)
  },

  async has(id: string): Promise<boolean> {
    return (await (await open())?.getKey('wishes', id)) !== undefined
  },

  async clear(userId: string): Promise<void> {
    const db = await open()
    if (db === null) return
    const work = db.transaction('wishes', 'readwrite')
    for (const id of await work.store.index('byUser').getAllKeys(userId)) await work.store.delete(id)
    await work.done
  },
}
