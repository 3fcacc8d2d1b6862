/** Tells the service worker what the page needs to begin: its first script, the views, and whatever these import. */
import { createHash } from 'node:crypto'

import type { Plugin } from 'vite'

const VIEWS = '/src/app/views/'
const BESIDE = ['/theme.js', '/favicon.svg', '/manifest.webmanifest', '/icons/192.png']

type Bundle = Parameters<Extract<NonNullable<Plugin['generateBundle']>, (...args: never[]) => unknown>>[1]

export function shell(): Plugin {
  return {
    name: 'tertulia-shell',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const worker = bundle['sw.js']
      if (worker?.type !== 'chunk') this.error('There is no service worker.')
      const { entry, files } = beginning(bundle)
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12)
      worker.code = worker.code.replaceAll('__SHELL__', JSON.stringify({ version, entry, files: [...files, ...BESIDE] }))
    },
  }
}

function beginning(bundle: Bundle): { entry: string; files: string[] } {
  const found = new Set<string>()
  let entry = ''

  function take(fileName: string): void {
    const chunk = bundle[fileName]
    if (chunk?.type !== 'chunk' || found.has(`/${fileName}`)) return
    found.add(`/${fileName}`)
    for (const css of chunk.viteMetadata?.importedCss ?? []) found.add(`/${css}`)
    for (const imported of chunk.imports) take(imported)
  }

  for (const chunk of Object.values(bundle)) {
    if (chunk.type !== 'chunk') continue
    const source = chunk.facadeModuleId ?? ''
    if (source.endsWith('/index.html')) entry = `/${chunk.fileName}`
    if (source.endsWith('/index.html') || source.includes(VIEWS)) take(chunk.fileName)
  }
  return { entry, files: [...found].sort() }
}
