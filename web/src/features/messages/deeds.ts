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

/** The letter that a deed is bound to, with Shift where it says so; the menu shows it. */
export const KEYS: Readonly<Partial<Record<Deed, string>>> = {
  copyLink: 'L',
  delete: 'Delete',
  edit: 'E',
  history: 'Shift+H',
  markUnread: 'Shift+U',
  pin: 'Shift+P',
  save: 'S',
  thread: 'R',
}

const BY_KEY = new Map(Object.entries(KEYS).map(([deed, key]) => [key, deed as Deed]))

export type RowKey = Deed | 'menu' | 'pick' | 'thumb'

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'shiftKey' | 'altKey' | 'ctrlKey' | 'metaKey'>

/** What a key means on a row that has the focus. */
export function rowKey(event: Pressed): RowKey | null {
  if (event.altKey || event.ctrlKey || event.metaKey) return null
  if (event.key === '+') return 'thumb'
  if (event.key === ':') return 'pick'
  const name = event.key.length === 1 ? letter(event) : event.key
  if (name === 'I' && !event.shiftKey) return 'menu'
  return BY_KEY.get(event.shiftKey ? `Shift+${name}` : name) ?? null
}

/** Where the layout has no Latin letters, the key that has one elsewhere. */
function letter({ key, code }: Pressed): string {
  return /^[a-z]$/i.test(key) ? key.toUpperCase() : code.replace(/^Key/, '')
}
