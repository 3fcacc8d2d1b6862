/**
 * What I saved for later and what I want to be reminded of, in the workspace that is open. The rows ask whether they are
 * saved, so the ids are fetched when the workspace opens; what was saved is fetched page by page by whoever looks at it.
 */
import { defineStore } from 'pinia'
import { computed, shallowReactive, shallowRef } from 'vue'

import type { Envelope } from '@/api/events'
import type { ListedReminder, Reminder } from '@/api/marks'
import { reminders as reminderApi, saved as savedApi } from '@/api/marks'
import { Problem } from '@/api/problem'
import type { Message } from '@/api/types'
import { useWishes } from '@/entities/wishQueue'

/** Beyond this many a row may not show that it was saved long ago. */
const PAGE = 200
const PAGES = 5

export const useSaved = defineStore('saved', () => {
  const wishes = useWishes()
  const ids = shallowReactive(new Set<string>())
  const reminders = shallowReactive(new Map<string, Reminder>())
  const workspaceId = shallowRef<string | null>(null)
  /** Rises with what another device did: whoever shows a list fetches it again. */
  const changes = shallowRef(0)
  const due = computed(() => [...reminders.values()].filter(({ state }) => state === 'due').length)

  async function open(id: string): Promise<void> {
    if (workspaceId.value !== id) clear()
    workspaceId.value = id
    await refresh()
  }

  /** Without a word when it fails: marks are missing until the next time. */
  async function refresh(): Promise<void> {
    const id = workspaceId.value
    if (id === null) return
    try {
      const [found, open] = await Promise.all([allSaved(id), reminderApi.list(id, 'open', null)])
      if (workspaceId.value !== id) return
      ids.clear()
      for (const one of found) ids.add(one)
      reminders.clear()
      for (const { reminder } of open.items) reminders.set(reminder.id, reminder)
      changes.value += 1
    } catch (error) {
      if (!(error instanceof Problem)) throw error
    }
  }

  async function allSaved(id: string): Promise<string[]> {
    const found: string[] = []
    let cursor: string | null = null
    for (let page = 0; page < PAGES; page++) {
      const { items, next } = await savedApi.list(id, cursor, PAGE)
      found.push(...items.map(({ message }) => message.id))
      if (next === null) break
      cursor = next
    }
    return found
  }

  function onEvent(event: Envelope): void {
    if (event.workspace_id !== workspaceId.value) return
    if (event.type === 'saved.updated') mark(event.data.message_id, event.data.saved)
    else if (event.type === 'reminder.updated') setReminder(event.data.reminder_id, event.data.reminder)
    else if (event.type === 'reminder.due') setReminder(event.data.reminder.id, event.data.reminder)
    else return
    changes.value += 1
  }

  function mark(messageId: string, saved: boolean): void {
    if (saved) ids.add(messageId)
    else ids.delete(messageId)
  }

  function setReminder(id: string, reminder: Reminder | null): void {
    if (reminder === null || reminder.state === 'completed') reminders.delete(id)
    else reminders.set(id, reminder)
  }

  function isSaved(messageId: string): boolean {
    return (wishes.wanted(messageId, 'saved') ?? ids.has(messageId)) === true
  }

  /** Seen at once. */
  function toggle(message: Pick<Message, 'id' | 'channel_id'>): void {
    const now = isSaved(message.id)
    wishes.want(message, { kind: 'saved', wanted: !now, had: now })
  }

  wishes.onSettled(({ kind, messageId, wanted }, { problem }) => {
    if (kind !== 'saved' || problem !== null) return
    mark(messageId, wanted === true)
    changes.value += 1
  })

  async function remind(messageId: string, at: Date): Promise<void> {
    const { reminder } = await reminderApi.set(messageId, at)
    setReminder(reminder.id, reminder)
    changes.value += 1
  }

  async function snooze(id: string, at: Date): Promise<void> {
    setReminder(id, (await reminderApi.move(id, at)).reminder)
    changes.value += 1
  }

  async function complete(id: string): Promise<void> {
    setReminder(id, (await reminderApi.complete(id)).reminder)
    changes.value += 1
  }

  async function forget(id: string): Promise<void> {
    await reminderApi.remove(id)
    setReminder(id, null)
    changes.value += 1
  }

  function clear(): void {
    workspaceId.value = null
    ids.clear()
    reminders.clear()
  }

  return {
    due, changes, workspaceId, isSaved, open, refresh, onEvent, toggle, remind, snooze, complete, forget, clear,
  }
})

/** Due ones first, as they came due; then what is to come, the nearest first. Pure. */
export function inOrder(items: readonly ListedReminder[]): readonly ListedReminder[] {
  const rank = ({ reminder }: ListedReminder) => (reminder.state === 'due' ? 0 : 1)
  return [...items].sort((a, b) => rank(a) - rank(b) || a.reminder.remind_at.localeCompare(b.reminder.remind_at))
}
