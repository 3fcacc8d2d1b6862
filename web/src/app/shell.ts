/** The service worker, and whether it is of a newer version than this page. */
import { ref } from 'vue'

/** Looked for at least this often by a page that stays open. */
const CHECK_MS = 3_600_000

/** The first screen comes first. */
const AFTER_MS = 2_000

interface Word {
  kind: 'version'
  /** The first script of the page of its version. */
  entry: string
}

/** The server has a newer version of this page. */
export const outdated = ref(false)

let registration: ServiceWorkerRegistration | null = null

/** Not in plain HTTP from another machine: there are no workers then. */
export function startShell(): void {
  const workers = (navigator as Partial<Navigator>).serviceWorker
  if (!import.meta.env.PROD || workers === undefined) return
  workers.addEventListener('message', ({ data }: MessageEvent<Word>) => {
    if (data.kind === 'version') outdated.value = !isMine(data.entry)
  })
  // A part of this page is gone from the server and was never here.
  addEventListener('vite:preloadError', () => (outdated.value = true))
  if (document.readyState === 'complete') setTimeout(() => void register(workers), AFTER_MS)
  else addEventListener('load', () => setTimeout(() => void register(workers), AFTER_MS))
  setInterval(checkVersion, CHECK_MS)
}

function isMine(entry: string): boolean {
  return document.querySelector(`script[src="${CSS.escape(entry)}"], script[src="${entry}"]`) !== null
}

async function register(workers: ServiceWorkerContainer): Promise<void> {
  try {
    registration = await workers.register('/sw.js')
    const { active } = await workers.ready
    active?.postMessage({ kind: 'hello', assets: loaded() })
  } catch {
    // Blocked, or the network is away: the page works as it does without one.
  }
}

/** What this page has loaded before there was a worker that keeps it. */
function loaded(): string[] {
  const paths = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname)
  return [...new Set(paths)].filter((path) => path.startsWith('/assets/'))
}

export function checkVersion(): void {
  registration?.update().catch(() => undefined)
}
