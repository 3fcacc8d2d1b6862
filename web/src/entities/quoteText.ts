/** A quote is a permanent link on a line of its own at the beginning of a text: every client can follow it. Pure. */

const LINE = /^(?:https?:\/\/[^\s/]+)?\/w\/[^\s/]+\/c\/[\w-]+\/m\/([\w-]+)\s*$/

export interface Quoting {
  /** The messages that are quoted, in order. */
  readonly ids: readonly string[]
  /** The lines that quote, as they are written. */
  readonly lead: string
  /** What is said about them. */
  readonly rest: string
}

/** `named` are the messages that the server read out of the text; of others nothing is shown. Null: it has not read it yet. */
export function quotesIn(text: string, named: readonly string[] | null): Quoting {
  const ids: string[] = []
  let end = 0
  while (end < text.length) {
    const next = text.indexOf('\n', end)
    const stop = next === -1 ? text.length : next + 1
    const id = LINE.exec(text.slice(end, stop).trimEnd())?.[1]
    if (id === undefined || (named !== null && !named.includes(id))) break
    ids.push(id)
    end = stop
  }
  return { ids, lead: text.slice(0, end), rest: text.slice(end) }
}

/** What a message says of itself: a link that is all of it is no quote of it. */
export function saidIn({ text, messages }: { text: string; messages: readonly string[] }): string {
  return quotesIn(text, messages).rest || text
}

export function withQuote(link: string, text: string): string {
  return `${link}\n${text}`
}
