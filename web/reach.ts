/** What the first screen begins with: the modules of `src` that are imported from these on, and not asked for later. */

/** A conversation in its workspace. */
export const FIRST_SCREEN = ['src/app/main.ts', 'src/app/views/WorkspaceView.vue', 'src/app/views/ConversationView.vue']

export interface Reached {
  /** From the folder of package.json on. */
  files: ReadonlySet<string>
  /** What is imported from each package, by name. */
  packages: ReadonlyMap<string, ReadonlySet<string>>
}

const IMPORT = /^(?:import|export)\s+(?!type\s)(?:([^'"()]*?)\s+from\s+)?'([^']+)'/gm

export function reach(entries: readonly string[], read: (file: string) => string | undefined): Reached {
  const files = new Set<string>()
  const packages = new Map<string, Set<string>>()

  function visit(file: string): void {
    const source = files.has(file) ? undefined : read(file)
    if (source === undefined) return
    files.add(file)
    for (const [, names = '', from = ''] of source.matchAll(IMPORT)) {
      if (from.startsWith('.') || from.startsWith('@/')) visit(fileOf(file, from))
      else packages.set(from, new Set([...(packages.get(from) ?? []), ...namesIn(names)]))
    }
  }

  for (const entry of entries) visit(entry)
  return { files, packages }
}

function fileOf(importer: string, from: string): string {
  const path = new URL(from.replace(/^@\//, '/src/'), `file:///${importer}`).pathname.slice(1)
  return /\.\w+$/.test(path) ? path : `${path}.ts`
}

function namesIn(clause: string): string[] {
  const inside = /\{([^}]*)\}/.exec(clause)?.[1] ?? ''
  const names = inside.split(',').map((name) => name.trim().split(' ')[0] ?? '')
  return names.filter((name) => name !== '' && name !== 'type')
}
