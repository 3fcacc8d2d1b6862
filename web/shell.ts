/**
 * Tells the service worker what the page needs without the network: its first script, the views, whatever these import, and the
 * components that are loaded later.
 */
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
    for (const later of chunk.dynamicImports) if (modulesOf(later).some((id) => id.endsWith('.vue'))) take(later)
  }

  /** With the module that it stands for: one that lies in a shared chunk has one of its own that only names it. */
  function modulesOf(fileName: string): readonly string[] {
    const chunk = bundle[fileName]
    if (chunk?.type !== 'chunk') return []
    return chunk.facadeModuleId === null ? chunk.moduleIds : [chunk.facadeModuleId, ...chunk.moduleIds]
  }

  for (const chunk of Object.values(bundle)) {
    if (chunk.type !== 'chunk') continue
    const first = chunk.facadeModuleId?.endsWith('/index.html') === true
    if (first) entry = `/${chunk.fileName}`
    if (first || modulesOf(chunk.fileName).some((id) => id.includes(VIEWS))) take(chunk.fileName)
  }
  return { entry, files: [...found].sort() }
}
