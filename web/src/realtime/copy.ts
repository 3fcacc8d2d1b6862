/**
 * A copy of what was on the screen, in IndexedDB, for when the network is not: the workspaces, each as the server painted it
 * last, and the last messages of the channels that were open last. It is one person's; nobody else's stays beside it, and
 * at log-out it goes. No token is in it. Without a database (private mode, blocked) there is no copy.
 */
import type { DBSchema, IDBPDatabase } from 'idb'
import { openDB } from 'idb'

import type { Bootstrap, Me, Message, WorkspaceMembership } from '@/api/types'

/** Kept of each channel, and of how many. */
export const MESSAGES = 200
export const CHANNELS = 50

export interface Person {
  userId: string
  me: Me
  workspaces: readonly WorkspaceMembership[]
}

export interface History {
  userId: string
  channelId: string
  /** Ending with the newest. */
  items: readonly Message[]
  /** Older messages exist on the server. */
  hasBefore: boolean
  /** Up to which `ch_seq` the channel's events are in it. */
  knownSeq: number
  /** Unix ms. */
  savedAt: number
}

interface Painted {
  userId: string
  workspaceId: string
  snapshot: Bootstrap
}

interface Schema extends DBSchema {
  people: { key: string; value: Person }
  bootstraps: { key: [string, string]; value: Painted }
  histories: { key: [string, string]; value: History; indexes: { bySaving: number } }
}

const STORES = ['people', 'bootstraps', 'histories'] as const

let database: Promise<IDBPDatabase<Schema> | null> | null = null

function open(): Promise<IDBPDatabase<Schema> | null> {
  database ??= openDB<Schema>('tertulia.copy', 1, {
    upgrade(db) {
      db.createObjectStore('people', { keyPath: 'userId' })
      db.createObjectStore('bootstraps', { keyPath: ['userId', 'workspaceId'] })
      db.createObjectStore('histories', { keyPath: ['userId', 'channelId'] }).createIndex('bySaving', 'savedAt')
    },
  }).catch(() => null)
  return database
}

/** A full disk, or one that is being cleared, is no reason to stop: then there is no copy. */
async function perhaps<T>(work: (db: IDBPDatabase<Schema>) => Promise<T>): Promise<T | undefined> {
  try {
    const db = await open()
    return db === null ? undefined : await work(db)
  } catch {
    return undefined
  }
}

export const copy = {
  person: (userId: string) => perhaps((db) => db.get('people', userId)),

  keepPerson: (person: Person) => perhaps((db) => db.put('people', person)),

  async bootstrap(userId: string, workspaceId: string): Promise<Bootstrap | undefined> {
    return (await perhaps((db) => db.get('bootstraps', [userId, workspaceId])))?.snapshot
  },

  keepBootstrap: (snapshot: Bootstrap) =>
    perhaps((db) => db.put('bootstraps', { userId: snapshot.me.id, workspaceId: snapshot.workspace.id, snapshot })),

  history: (userId: string, channelId: string) => perhaps((db) => db.get('histories', [userId, channelId])),

  /** The oldest ones make room. */
  keepHistories: (histories: readonly History[]) =>
    perhaps(async (db) => {
      const work = db.transaction('histories', 'readwrite')
      for (const history of histories) await work.store.put(history)
      let spare = (await work.store.count()) - CHANNELS
      for (let old = await work.store.index('bySaving').openCursor(); old !== null && spare > 0; spare--) {
        await old.delete()
        old = await old.continue()
      }
      await work.done
    }),

  forgetHistory: (userId: string, channelId: string) => perhaps((db) => db.delete('histories', [userId, channelId])),

  /** Another person has logged in: what is there of others goes. */
  keepOnly: (userId: string) =>
    perhaps(async (db) => {
      const others = (await db.getAllKeys('people')).some((id) => id !== userId)
      if (others) for (const store of STORES) await db.clear(store)
    }),

  clear: () =>
    perhaps(async (db) => {
      for (const store of STORES) await db.clear(store)
    }),
}
