/** A search as it is typed: words, "phrases" and operators (`from:ana`). Pure; the server has the last word. */

export const OPERATORS = ['from', 'in', 'before', 'after'] as const
export type Operator = (typeof OPERATORS)[number]

export interface Token {
  /** Null for words and phrases. */
  readonly operator: Operator | null
  /** Of an operator what follows the colon, otherwise the whole. */
  readonly value: string
  readonly start: number
  readonly end: number
}

/** A phrase counts as one token, closed or not. */
const TOKEN = /"[^"]*"?|[^\s"]+/gu
const OPERATOR = /^(from|in|before|after):(.*)$/iu

export function tokens(query: string): Token[] {
  return [...query.matchAll(TOKEN)].map((match) => {
    const [text] = match
    const [, name, value] = OPERATOR.exec(text) ?? []
    const place = { start: match.index, end: match.index + text.length }
    if (name === undefined || value === undefined) return { operator: null, value: text, ...place }
    return { operator: name.toLowerCase() as Operator, value, ...place }
  })
}

/** What stands left of the caret and touches it: null after a space or at the beginning. */
export function tokenAt(query: string, caret: number): Token | null {
  return tokens(query).find((token) => token.start < caret && caret <= token.end) ?? null
}

export function holds(query: string, operator: Operator, value: string): boolean {
  return tokens(query).some((token) => token.operator === operator && same(token.value, value))
}

/** The query with `operator:value`, or without it when it was there. */
export function toggled(query: string, operator: Operator, value: string): string {
  if (!holds(query, operator, value)) return `${query.trim()} ${operator}:${value}`.trim()
  const rest = tokens(query).filter((token) => !(token.operator === operator && same(token.value, value)))
  return rest.map((token) => query.slice(token.start, token.end)).join(' ')
}

/** Puts `text` in place of the token at the caret, or at the caret. Says where the caret is then. */
export function completed(query: string, caret: number, text: string): { query: string; caret: number } {
  const token = tokenAt(query, caret)
  const start = token?.start ?? caret
  const head = query.slice(0, start) + text
  const rest = query.slice(token?.end ?? caret).trimStart()
  // What follows stays a word of its own, also behind an operator that has no value yet.
  const between = rest === '' || text.endsWith(' ') ? '' : ' '
  return { query: head + between + rest, caret: head.length }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
