/**
 * The service worker: the page and what it needs to begin are here when the network is not.
 *
 * A page is asked of the network first, so a new version is there as soon as it is loaded; files with a hash in their name
 * are taken from here first. What the API says is none of its business: see realtime/copy.ts for that. It takes over at
 * once, and tells open pages which version it is, so that an older one can offer to be loaded anew.
 */
import { wayOf } from './routing'

interface Shell {
  /** Names the cache. */
  version: string
  /** The first script of the page of this version. */
  entry: string
  /** What the page needs to begin, by path. */
  files: string[]
}

declare const self: ServiceWorkerGlobalScope
/** Put in by the build (vite.config.ts). */
declare const __SHELL__: Shell

const PAGE = '/index.html'
const PREFIX = 'tertulia.shell.'
/** A network that is slower than this is as good as none. */
const PATIENCE_MS = 4_000

const shell = __SHELL__
const cacheName = PREFIX + shell.version

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.addAll([...shell.files, PAGE].map(fresh)))
      .then(() => self.skipWaiting()),
  )
})

/** What the page has just loaded is not asked for again, if its name says what is in it. */
function fresh(path: string): Request {
  return new Request(path, path.startsWith('/assets/') ? {} : { cache: 'no-cache' })
}

self.addEventListener('activate', (event) => {
  event.waitUntil(takeOver())
})

async function takeOver(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== cacheName)
  // Pages of the version before may still ask for parts that they have not loaded yet.
  await Promise.all(names.slice(0, -1).map((name) => caches.delete(name)))
  await self.clients.claim()
  for (const client of await self.clients.matchAll()) client.postMessage({ kind: 'version', entry: shell.entry })
}

self.addEventListener('message', (event) => {
  const { kind, assets } = event.data as { kind: string; assets: string[] }
  if (kind !== 'hello') return
  event.source?.postMessage({ kind: 'version', entry: shell.entry })
  event.waitUntil(keep(assets))
})

/** What the page had loaded before there was a worker. */
async function keep(assets: string[]): Promise<void> {
  const cache = await caches.open(cacheName)
  for (const path of assets) {
    if ((await caches.match(path)) === undefined) await cache.add(path).catch(() => undefined)
  }
}

// What a page has shown by this worker (features/attention/desktop.ts).
self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(open((event.notification.data as { path: string }).path))
})

/** In the page that was looked at last; it knows how to get there without being loaded anew. */
async function open(path: string): Promise<void> {
  const [page] = await self.clients.matchAll({ type: 'window' })
  if (page === undefined) return void (await self.clients.openWindow(path))
  page.postMessage({ kind: 'open', path })
  await page.focus().catch(() => undefined)
}

self.addEventListener('fetch', (event) => {
  const { request } = event
  const way = wayOf(request, self.location.origin)
  if (way === 'page') event.respondWith(page(request))
  else if (way === 'forever') event.respondWith(forever(request))
  else if (way === 'file') event.respondWith(fetch(request).catch(() => kept(request)))
})

async function page(request: Request): Promise<Response> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS))
  const answer = fetch(request).catch(() => null)
  const first = await Promise.race([answer, late])
  if (first !== null && first.status < 500) return first
  return (await caches.match(PAGE)) ?? (await answer) ?? Response.error()
}

async function forever(request: Request): Promise<Response> {
  const known = await caches.match(request)
  if (known !== undefined) return known
  const answer = await fetch(request)
  if (answer.ok) await (await caches.open(cacheName)).put(request, answer.clone())
  return answer
}

async function kept(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? Response.error()
}
