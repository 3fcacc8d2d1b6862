/**
 * Names in what somebody writes. The server keeps `<@id>` and `<#id>`, so that a rename changes no text; in a field stands
 * `@username` and `#channel`, which people can read, type and correct. Pure.
 */

/** Looks up by username or channel name, in lower case. */
export interface KnownNames {
  readonly person: (username: string) => string | null
  readonly channel: (name: string) => string | null
}

/** Looks up by id. */
export interface NamesOfIds {
  readonly username: (id: string) => string | null
  readonly channel: (id: string) => string | null
}

const ID = /<([@#])([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})>/gi
const NAME = /(https?:\/\/\S+)|(?<![\w@./\\<-])@([0-9a-z][\w.-]*)|(?<![\p{L}\p{N}_#&./\\<-])#([\p{L}\p{N}][\p{L}\p{N}_.-]*)/giu
const AUDIENCE = /(?<![\w@./\\<-])@(channel|here)(?![\w-])/g

/** Fenced blocks, indented lines and code spans: nothing in them is a name. */
const CODE = /^ {0,3}(`{3,}|~{3,})[^\n]*(?:\n[\s\S]*?(?:^ {0,3}\1[`~]*[ \t]*$|$(?![\s\S]))|$)|^(?: {4}|\t)[^\n]*$|(`+)(?!`)[\s\S]*?[^`]\2(?!`)/gm

function outsideCode(text: string, change: (part: string) => string): string {
  let done = ''
  let from = 0
  for (const found of text.matchAll(CODE)) {
    done += change(text.slice(from, found.index)) + found[0]
    from = found.index + found[0].length
  }
  return done + change(text.slice(from))
}

/** As it is sent. Names that nobody has stay as they are. */
export function withIds(text: string, known: KnownNames): string {
  if (!/[@#]/.test(text)) return text
  const replaced = (written: string, link?: string, username?: string, channel?: string): string => {
    if (link !== undefined) return written
    const name = (username ?? channel ?? '').replace(/[.-]+$/, '')
    const key = name.toLowerCase()
    const id = username === undefined ? known.channel(key) : known.person(key)
    return id === null ? written : `<${written.charAt(0)}${id}>${written.slice(1 + name.length)}`
  }
  return outsideCode(text, (part) => part.replace(NAME, replaced))
}

/** As it stands in a field. */
export function withNames(text: string, known: NamesOfIds): string {
  return text.replace(ID, (written: string, sign: string, id: string) => {
    const name = sign === '@' ? known.username(id.toLowerCase()) : known.channel(id.toLowerCase())
    return name === null ? written : `${sign}${name}`
  })
}

/** Whether it calls everybody in the channel, or everybody who is there. */
export function audienceOf(text: string): 'channel' | 'here' | null {
  let found: 'channel' | 'here' | null = null
  outsideCode(text, (part) => {
    for (const [, name] of part.matchAll(AUDIENCE)) found = name === 'channel' || found === 'channel' ? 'channel' : 'here'
    return part
  })
  return found
}
