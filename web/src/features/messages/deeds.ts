/** What can be done to a message: which of it here and now, and by which keys. Pure. */
import type { Message } from '@/api/types'

export type Deed =
  | 'copyLink' | 'copyText' | 'delete' | 'edit' | 'forward' | 'history' | 'markUnread' | 'pin' | 'quote' | 'remind' | 'report' | 'save'
  | 'thread'

export interface Circumstances {
  me: string
  /** It is saved by me. */
  saved: boolean
  /** The conversation takes changes: it is not archived. */
  writable: boolean
  /** Its thread can be opened from here. */
  threaded: boolean
  countsReading: boolean
  /** Which former texts the workspace keeps. */
  history: 'off' | 'edits' | 'all'
  mayPin: boolean
  /** Somebody else's. */
  mayDelete: boolean
}

/** In the order of the menu, in groups. What is deleted keeps little: that it can be forgotten, and what it said if that is kept. */
export function deedsOf(message: Message, here: Circumstances): readonly (readonly Deed[])[] {
  const there = message.deleted_at === null
  const mine = message.author_id === here.me
  const possible: Record<Deed, boolean> = {
    thread: here.threaded,
    quote: there && here.writable,
    forward: there,
    copyText: there,
    copyLink: true,
    save: there || here.saved,
    remind: there,
    pin: there && here.writable && here.mayPin,
    markUnread: here.threaded && here.countsReading,
    edit: there && mine && here.writable && message.forwarded === null && message.ai === null,
    history: there ? message.edited_at !== null && here.history !== 'off' : here.history === 'all',
    report: there && !mine,
    delete: there && here.writable && (mine || here.mayDelete),
  }
  return GROUPS.map((group) => group.filter((deed) => possible[deed])).filter((group) => group.length > 0)
}

const GROUPS: readonly (readonly Deed[])[] = [
  ['thread', 'quote', 'forward', 'copyText', 'copyLink'],
  ['save', 'remind', 'pin', 'markUnread'],
  ['edit', 'history'],
  ['report', 'delete'],
]

/** The action of the keyboard map that does it; the menu shows its keys. */
export const ACTIONS: Readonly<Partial<Record<Deed, string>>> = {
  copyLink: 'copyLink',
  delete: 'delete',
  edit: 'edit',
  history: 'history',
  markUnread: 'markUnread',
  pin: 'pin',
  save: 'save',
  thread: 'reply',
}

/** What else has a key on a row. */
const BESIDE = { menu: 'menu', thumb: 'thumb', react: 'pick' } as const

export type RowKey = Deed | 'menu' | 'pick' | 'thumb'

const BY_ACTION: ReadonlyMap<string, RowKey> = new Map<string, RowKey>([
  ...Object.entries(ACTIONS).map(([deed, action]) => [action, deed as Deed] as const),
  ...Object.entries(BESIDE),
])

/** What an action of the keyboard map means on a row. */
export const rowKey = (action: string | null): RowKey | null => BY_ACTION.get(action ?? '') ?? null
