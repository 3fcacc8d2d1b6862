/** What I was told of in the workspace that is open, and whether I have seen it. */
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'

import type { Notification, NotificationItem } from '@/api/attention'
import { attention } from '@/api/attention'
import type { Envelope } from '@/api/events'
import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'
import { placeIn } from '@/entities/place'
import { useEntities } from '@/entities/store'

/** Of what just came only the reason is here, until the list asks for the message. */
export interface Told extends Omit<NotificationItem, 'message'> {
  readonly message: Message | null
}

export const useNotifications = defineStore('notifications', () => {
  const entities = useEntities()
  const workspaceId = ref<string | null>(null)
  /** The newest first. */
  const told = shallowRef<readonly Told[]>([])
  const next = ref<string | null>(null)
  const readId = ref<string | null>(null)

  /** In the list, up to which all of it was marked as read. What is told in other workspaces is not known here. */
  function isSeen(inWorkspace: string, id: string): boolean {
    return inWorkspace === workspaceId.value && readId.value !== null && id <= readId.value
  }

  /** On whichever way: seen in the list, or read where it was said. */
  function isRead({ notification: { id, channel_id: channelId, thread_id: threadId, ch_seq: seq }, read }: Told): boolean {
    if (read || isSeen(workspaceId.value ?? '', id)) return true
    return seq <= (entities.cursorOf(placeIn(channelId, threadId))?.readSeq ?? 0)
  }

  const unread = computed(() => told.value.filter((item) => !isRead(item)).length)

  /** The newest page, or the one after what is here. Throws a Problem. */
  async function load(id: string, more = false): Promise<void> {
    const before = new Set(told.value.map(({ notification }) => notification.id))
    const page = await attention.notifications(id, more ? next.value : null)
    if (workspaceId.value !== id) told.value = []
    const answered = new Set(page.items.map(({ notification }) => notification.id))
    // What came while the page was on its way is newer than what the page knows.
    const came = told.value.filter(({ notification }) => !before.has(notification.id) && !answered.has(notification.id))
    const known = more ? told.value : told.value.filter(({ notification }) => isOlder(notification, page.items))
    // A page anew ends where the pages that were loaded before begin.
    if (more || known.length === 0) next.value = page.next
    told.value = more ? [...known, ...page.items] : [...came, ...page.items, ...known]
    workspaceId.value = id
    readId.value = page.read_id
  }

  function isOlder({ id }: Notification, items: readonly NotificationItem[]): boolean {
    const last = items.at(-1)
    return last !== undefined && id < last.notification.id
  }

  async function open(id: string): Promise<void> {
    try {
      await load(id)
    } catch (error) {
      // The number is missing then; the page itself says what is wrong.
      asProblem(error)
    }
  }

  function onEvent(event: Envelope): void {
    if (event.workspace_id !== workspaceId.value) return
    if (event.type === 'notification.created') {
      const { notification } = event.data
      const others = told.value.filter((item) => item.notification.id !== notification.id)
      const at = others.findIndex((item) => item.notification.id < notification.id)
      told.value = others.toSpliced(at < 0 ? others.length : at, 0, { notification, message: null, read: false })
    } else if (event.type === 'notification.withdrawn') {
      const { id } = event.data.notification
      told.value = told.value.filter((item) => item.notification.id !== id)
    } else if (event.type === 'notifications.read') readId.value = later(event.data.read_id)
  }

  function later(id: string): string {
    return readId.value !== null && readId.value > id ? readId.value : id
  }

  /** Seen, all that is here. Throws a Problem. */
  async function seeAll(): Promise<void> {
    const newest = told.value[0]
    if (newest === undefined || workspaceId.value === null) return
    const before = readId.value
    readId.value = later(newest.notification.id)
    try {
      await attention.seen(workspaceId.value, newest.notification.id)
    } catch (error) {
      readId.value = before
      throw error
    }
  }

  function clear(): void {
    workspaceId.value = null
    told.value = []
    next.value = null
    readId.value = null
  }

  return { workspaceId, told, next, unread, isSeen, isRead, load, open, onEvent, seeAll, clear }
})
