/**
 * Names in a text: `<@id>`, `@username`, `@channel`, `@here`, `<#id>`, `#name`, read as the server reads them
 * (services/chat/.../messages/reading.py). What nobody knows stays as it was written.
 */
import type MarkdownIt from 'markdown-it'
import type { StateInline } from 'markdown-it'

export interface Person {
  readonly id: string
  readonly name: string
  /** It is the reader. */
  readonly mine: boolean
}

export interface Room {
  readonly name: string
  readonly href: string
}

/** Who and what the names in a text mean to this reader. */
export interface Names {
  /** By id, or by username in lower case; null when the page knows nobody of that name. */
  person: (key: string) => Person | null
  /** By id, or by name in lower case. */
  channel: (key: string) => Room | null
  /** What to call the message that an address leads to; null when it is none of this site. `read` makes words of its text. */
  message?: (href: string, read: (text: string, most: number) => string) => string | null
  /** What stands in a line in place of what is hidden. */
  readonly spoiler?: string
}

const ID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}'
const BY_ID = new RegExp(`<([@#])(${ID})>`, 'iy')
const USERNAME = /@([0-9a-z][\w.-]*)/iy
const CHANNEL = /#([\p{L}\p{N}][\p{L}\p{N}_.-]*)/uy
const BEFORE_PERSON = /[\p{L}\p{N}_@./\\-]/u
const BEFORE_CHANNEL = /[\p{L}\p{N}_#&./\\-]/u
const AUDIENCES = new Set(['channel', 'here'])
/** A link is at most this long; a name inside of one is none. */
const MAX_LINK = 2_000

export function hasNames(text: string): boolean {
  return /[@#]/.test(text)
}

interface Found {
  readonly length: number
  readonly sign: string
  readonly key: string
  readonly byId: boolean
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function nameAt(text: string, at: number): Found | null {
  if (text[at] === '<') {
    const [whole = '', sign = '', id = ''] = matchAt(BY_ID, text, at) ?? []
    return whole === '' ? null : { length: whole.length, sign, key: id.toLowerCase(), byId: true }
  }
  const sign = text[at] === '@' ? '@' : '#'
  if ((sign === '@' ? BEFORE_PERSON : BEFORE_CHANNEL).test(text[at - 1] ?? '')) return null
  if (text.slice(Math.max(0, at - MAX_LINK), at).split(/\s/).at(-1)?.includes('://')) return null
  const key = matchAt(sign === '@' ? USERNAME : CHANNEL, text, at)?.[1]?.replace(/[.-]+$/, '') ?? ''
  return key === '' ? null : { length: key.length + 1, sign, key: key.toLowerCase(), byId: false }
}

/** The types do not know of it. */
function insideLink(state: StateInline): boolean {
  return ((state as { linkLevel?: number }).linkLevel ?? 0) > 0
}

export function names(markdown: MarkdownIt): void {
  markdown.inline.ruler.before('autolink', 'names', (state, silent) => {
    const known = (state.env as { names?: Names }).names
    const first = state.src[state.pos]
    if (known === undefined || (first !== '<' && first !== '@' && first !== '#')) return false
    const found = nameAt(state.src, state.pos)
    if (found === null || state.pos + found.length > state.posMax) return false
    const meant = meaning(found, known)
    if (meant === null) return false
    if (!silent) state.push('name', '', 0).meta = { ...meant, linked: insideLink(state) }
    state.pos += found.length
    return true
  })
  const { escapeHtml } = markdown.utils
  markdown.renderer.rules['name'] = (tokens, index) => {
    const meant = tokens[index]?.meta as Meaning & { linked: boolean }
    const text = escapeHtml(written(meant))
    if ('href' in meant) return meant.linked ? text : `<a class="channel" href="${escapeHtml(meant.href)}">${text}</a>`
    const id = meant.id === '' ? '' : ` data-user="${escapeHtml(meant.id)}" role="button" tabindex="0"`
    return `<span class="mention${meant.mine ? ' mine' : ''}"${id}>${text}</span>`
  }
}

export type Meaning = Person | Room

/** As it stands in a text that is read. */
export function written(meant: Meaning): string {
  return `${'href' in meant ? '#' : '@'}${meant.name}`
}

function meaning({ sign, key, byId }: Found, known: Names): Meaning | null {
  if (sign === '#') return known.channel(key)
  if (!byId && AUDIENCES.has(key)) return { id: '', name: key, mine: true }
  return known.person(key)
}
