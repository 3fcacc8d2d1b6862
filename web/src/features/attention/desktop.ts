/**
 * Notifications of the operating system. What rings is decided by the server; here only whether it is still worth it: no tab of
 * this browser has the focus, and it was not read meanwhile on another device. Of several tabs one rings. The service worker
 * shows them where there is one: phones know no other way, and a click leads to the place also when every tab is closed. They
 * are taken away again when what they are about was read elsewhere, or is gone.
 */
import { ref } from 'vue'

import type { Notification as Told } from '@/api/attention'

import type { About } from './outdated'

/** Somebody may just be reading it elsewhere. */
const PATIENCE_MS = 1_500
/** What comes from one place within this time rings once. */
const BURST_MS = 30_000
const KEY = 'tertulia.desktop'
const WORDS = 'tertulia.desktop.words'
const FOCUS = 'tertulia.focus'
const ICON = '/icons/192.png'

/** What is shown. What comes from one place takes the place of what came before: a burst is one notification. */
export interface Bell extends About {
  readonly title: string
  readonly body: string
  /** Where it leads. */
  readonly path: string
}

/** Without a worker: by place, as the system has them. */
const own = new Map<string, Notification>()

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

/** Whether others who look at the screen may read what was said. */
export const wordsShown = ref(readWords())

function readWords(): boolean {
  try {
    return localStorage.getItem(WORDS) !== 'off'
  } catch {
    return true
  }
}

function write(key: string, on: boolean): void {
  try {
    localStorage.setItem(key, on ? 'on' : 'off')
  } catch {
    // Blocked storage: nothing can be kept, so it stays as it was.
  }
}

function keep(on: boolean): void {
  write(KEY, on)
  desktop.value = read()
}

export function showWords(on: boolean): void {
  write(WORDS, on)
  wordsShown.value = on
}

// Another tab of this browser chose.
addEventListener('storage', ({ key }) => {
  if (key === KEY) desktop.value = read()
  else if (key === WORDS) wordsShown.value = readWords()
})

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

/** `wanted` says whether it is still unread; `bell` what to show; `open` leads there. Each notification rings once, in one tab. */
export async function ring(
  told: Told,
  wanted: () => boolean,
  bell: () => Promise<Bell | null>,
  open: (path: string) => void,
): Promise<void> {
  if (desktop.value !== 'on') return
  const first = async (lock: Lock | null): Promise<void> => {
    if (lock === null) return
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
    if (!wanted() || (await isLookedAt())) return
    const shown = await bell()
    if (shown !== null) await show(shown, open)
  }
  const manager = locks()
  if (manager === null) await first({ name: told.id, mode: 'exclusive' })
  else await manager.request(`tertulia.bell.${told.id}`, { ifAvailable: true }, first)
}

async function show({ title, body, path, ...about }: Bell, open: (path: string) => void): Promise<void> {
  const now = Date.now()
  const worker = await registration()
  const [before] = (await worker?.getNotifications({ tag: about.place })) ?? []
  // The types do not know `renotify` yet: it rings although another one from the same place is still there.
  const renotify = now - ((before?.data as { at: number } | undefined)?.at ?? 0) > BURST_MS
  const data = { path, at: now, about }
  const options = { body, tag: about.place, icon: ICON, renotify, data } satisfies NotificationOptions & { renotify: boolean }
  if (worker?.active) return worker.showNotification(title, options)
  const notification = new Notification(title, options)
  own.set(about.place, notification)
  notification.onclick = () => {
    window.focus()
    notification.close()
    open(path)
  }
}

async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  return (navigator as Partial<Navigator>).serviceWorker?.getRegistration()
}

/** Takes away what is shown and outdated. */
export async function dismiss(isOutdated: (about: About) => boolean): Promise<void> {
  if (desktop.value !== 'on') return
  for (const notification of [...((await (await registration())?.getNotifications()) ?? []), ...own.values()]) {
    // One that an older version has shown does not say what it is about.
    const { about } = notification.data as { about?: About }
    if (about === undefined || !isOutdated(about)) continue
    notification.close()
    if (own.get(about.place) === notification) own.delete(about.place)
  }
}

/** A click on what the worker has shown. */
export function onOpened(open: (path: string) => void): () => void {
  const workers = (navigator as Partial<Navigator>).serviceWorker
  const listen = ({ data }: MessageEvent<{ kind: string; path?: string }>): void => {
    if (data.kind === 'open' && data.path !== undefined) open(data.path)
  }
  workers?.addEventListener('message', listen)
  return () => workers?.removeEventListener('message', listen)
}
