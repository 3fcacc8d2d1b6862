/** What the service worker does with a request. Pure. */

/**
 * `pass`: none of its business. `page`: the network's answer, else the kept page. `forever`: what is kept, else the
 * network's, which is kept from then on. `file`: the network's, else what is kept.
 */
export type Way = 'pass' | 'page' | 'forever' | 'file'

interface Asked {
  method: string
  mode: string
  url: string
}

export function wayOf({ method, mode, url }: Asked, origin: string): Way {
  const { origin: other, pathname } = new URL(url)
  if (method !== 'GET' || other !== origin || pathname.startsWith('/api/')) return 'pass'
  if (mode === 'navigate') return 'page'
  // The name says what is in it.
  if (pathname.startsWith('/assets/')) return 'forever'
  return 'file'
}
