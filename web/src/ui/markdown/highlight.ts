/**
 * Colours for code. Shiki with its engine in JavaScript, as classes and never as styles, which the page's policy forbids.
 * A chunk of its own, and one for each language.
 */
import type { HighlighterCore, LanguageInput } from 'shiki/core'
import { createCssVariablesTheme, createHighlighterCore } from 'shiki/core'
import { createJavaScriptRegexEngine } from 'shiki/engine/javascript'

/** Longer code stays plain: colouring it would stop the page. */
const MAX_LENGTH = 20_000
const PREFIX = '--code-'
const theme = createCssVariablesTheme({ name: 'classes', variablePrefix: PREFIX })

const LANGUAGES: Readonly<Record<string, () => LanguageInput>> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  cpp: () => import('shiki/langs/cpp.mjs'),
  csharp: () => import('shiki/langs/csharp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  docker: () => import('shiki/langs/docker.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  graphql: () => import('shiki/langs/graphql.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  ini: () => import('shiki/langs/ini.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  kotlin: () => import('shiki/langs/kotlin.mjs'),
  lua: () => import('shiki/langs/lua.mjs'),
  make: () => import('shiki/langs/make.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  php: () => import('shiki/langs/php.mjs'),
  powershell: () => import('shiki/langs/powershell.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  ruby: () => import('shiki/langs/ruby.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  swift: () => import('shiki/langs/swift.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  xml: () => import('shiki/langs/xml.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
}

const ALIASES: Readonly<Record<string, string>> = {
  'c#': 'csharp', 'c++': 'cpp', console: 'bash', cs: 'csharp', dockerfile: 'docker', golang: 'go', htm: 'html', js: 'javascript',
  jsx: 'tsx', kt: 'kotlin', makefile: 'make', md: 'markdown', patch: 'diff', postgres: 'sql', ps1: 'powershell', py: 'python',
  rb: 'ruby', rs: 'rust', sh: 'bash', shell: 'bash', svg: 'xml', ts: 'typescript', yml: 'yaml', zsh: 'bash',
}

let highlighter: Promise<HighlighterCore> | null = null
/** Once it is there: what was coloured before is coloured at once when it is drawn anew. */
let ready: HighlighterCore | null = null

async function load(language: string, input: () => LanguageInput): Promise<void> {
  highlighter ??= createHighlighterCore({ themes: [theme], langs: [], engine: createJavaScriptRegexEngine({ forgiving: true }) })
  const made = await highlighter
  if (!made.getLoadedLanguages().includes(language)) await made.loadLanguage(input())
  ready = made
}

/** Colours `element`, if its language is known; now if it can, or as soon as the language is there. */
export async function highlight(element: HTMLElement, name: string): Promise<void> {
  const code = element.textContent
  const language = ALIASES[name] ?? name
  const input = Object.hasOwn(LANGUAGES, language) ? LANGUAGES[language] : undefined
  if (input === undefined || code.length > MAX_LENGTH) return
  if (ready?.getLoadedLanguages().includes(language) !== true) await load(language, input)
  // It may say something else by now: an answer is written while one reads it.
  if (ready === null || element.textContent !== code) return
  const lines = ready.codeToTokensBase(code, { lang: language, theme: 'classes' })
  const parts = lines.flatMap((line, index) => [...(index === 0 ? [] : ['\n']), ...line.map(coloured)])
  element.replaceChildren(...parts)
}

function coloured({ content, color }: { content: string; color?: string }): Node | string {
  const kind = color?.startsWith(`var(${PREFIX}token-`) ? color.slice(`var(${PREFIX}token-`.length, -1) : null
  if (kind === null) return content
  const span = document.createElement('span')
  span.className = `code-${kind}`
  span.textContent = content
  return span
}
