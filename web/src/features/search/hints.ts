/** What can stand at the caret: operators, then people, channels or days for their values. Pure. */
import type { Suggestion } from '@/ui/suggestion'

import type { Operator } from './query'
import { OPERATORS, tokenAt } from './query'

/** A person or channel as the query names them, and how people know them. */
export interface Named {
  readonly name: string
  readonly title: string
}

export interface Hint extends Suggestion {
  /** What takes the place of the token. */
  readonly text: string
}

export interface Known {
  readonly people: readonly Named[]
  readonly channels: readonly Named[]
  readonly days: readonly Named[]
  readonly describe: (operator: Operator) => string
}

const SHOWN = 7

export function hintsFor(query: string, caret: number, known: Known): Hint[] {
  const token = tokenAt(query, caret)
  if (token === null) return OPERATORS.map((operator) => operatorHint(operator, known))
  if (token.operator === null) {
    const begun = token.value.toLowerCase()
    const fitting = OPERATORS.filter((operator) => begun.length > 1 && operator.startsWith(begun))
    return fitting.map((operator) => operatorHint(operator, known))
  }
  const { operator, value } = token
  const typed = value.toLowerCase()
  return valuesOf(operator, known)
    .filter((item) => fits(item, typed) && item.name.toLowerCase() !== typed)
    .slice(0, SHOWN)
    .map((item) => {
      const text = `${operator}:${item.name}`
      return { key: text, title: text, note: item.title, text: `${text} ` }
    })
}

function operatorHint(operator: Operator, known: Known): Hint {
  const text = `${operator}:`
  return { key: text, title: text, note: known.describe(operator), text }
}

function valuesOf(operator: Operator, known: Known): readonly Named[] {
  if (operator === 'from') return known.people
  return operator === 'in' ? known.channels : known.days
}

/** By the beginning of the name or of any word of the title. */
function fits(item: Named, typed: string): boolean {
  if (item.name.toLowerCase().startsWith(typed)) return true
  return item.title.toLowerCase().split(/\s+/u).some((word) => word.startsWith(typed))
}
