/**
 * Notifications of the operating system. What rings is decided by the server; here only whether it is still worth it: no tab of
 * this browser has the focus, and it was not read meanwhile on another device. Of several tabs one rings.
 */
import { ref } from 'vue'

import type { Notification as Told } from '@/api/attention'

/** Somebody may just be reading it elsewhere. */
const PATIENCE_MS = 1_500
const KEY = 'tertulia.desktop'
const FOCUS = 'tertulia.focus'

/** What is shown. */
export interface Bell {
  readonly title: string
  readonly body: string
  readonly open: () => void
}

export type DesktopState = 'unsupported' | 'blocked' | 'off' | 'on'

function read(): DesktopState {
  // Absent in insecure contexts and on some phones.
  if (!('Notification' in window)) return 'unsupported'
  if (Notification.permission === 'denied') return 'blocked'
  try {
    return Notification.permission === 'granted' && localStorage.getItem(KEY) === 'on' ? 'on' : 'off'
  } catch {
    return 'off'
  }
}

export const desktop = ref<DesktopState>(read())

function keep(on: boolean): void {
  try {
    localStorage.setItem(KEY, on ? 'on' : 'off')
  } catch {
    // Blocked storage: nothing can be kept, so it stays off.
  }
  desktop.value = read()
}

/** The browser asks for leave: only ever by a click. */
export async function turnOn(): Promise<void> {
  if (desktop.value === 'unsupported') return
  await Notification.requestPermission()
  keep(true)
}

export const turnOff = (): void => keep(false)

/** The types say they are always there; browsers know better. */
const locks = (): LockManager | null => (navigator.locks as LockManager | null | undefined) ?? null

/** The tab with the focus holds a lock, so that the others know of it. */
export function tellFocus(): () => void {
  let release: (() => void) | null = null
  const follow = (): void => {
    const focused = document.hasFocus()
    if (focused && release === null) {
      void locks()?.request(FOCUS, { mode: 'shared' }, () => new Promise<void>((resolve) => (release = resolve)))
    } else if (!focused && release !== null) {
      release()
      release = null
    }
  }
  follow()
  addEventListener('focus', follow)
  addEventListener('blur', follow)
  return () => {
    removeEventListener('focus', follow)
    removeEventListener('blur', follow)
    release?.()
  }
}

async function isLookedAt(): Promise<boolean> {
  if (document.hasFocus()) return true
  const state = await locks()?.query()
  return state?.held?.some((lock) => lock.name === FOCUS) ?? false
}

/** `wanted` says whether it is still unread; `bell` what to show. Each notification rings once, in one tab. */
export async function ring(told: Told, wanted: () => boolean, bell: () => Promise<Bell | null>): Promise<void> {
  if (desktop.value !== 'on') return
  const first = async (lock: Lock | null): Promise<void> => {
    if (lock === null) return
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
    if (!wanted() || (await isLookedAt())) return
    const shown = await bell()
    if (shown !== null) show(told.id, shown)
  }
  const manager = locks()
  if (manager === null) await first({ name: told.id, mode: 'exclusive' })
  else await manager.request(`tertulia.bell.${told.id}`, { ifAvailable: true }, first)
}

function show(id: string, { title, body, open }: Bell): void {
  // The tag: whatever comes twice is there once.
  const notification = new Notification(title, { body, tag: id, icon: '/favicon.svg' })
  notification.onclick = () => {
    window.focus()
    notification.close()
    open()
  }
}
