/** What the composer takes for a command, and how it is completed. Pure. */
import type { Command } from '@/api/ai'
import type { Suggestion } from '@/ui/suggestion'

/** A slash and a word: a mistyped command is told to its author and never posted. Two slashes are ordinary text. */
export function isCommand(text: string): boolean {
  return /^\/[^\s/]/u.test(text)
}

/** While the name is being typed; nothing more once it stands there in full. */
export function completions(commands: readonly Command[], text: string): Suggestion[] {
  const [, typed] = /^\/([^\s]*)$/u.exec(text) ?? []
  if (typed === undefined) return []
  const begun = typed.toLowerCase()
  const matching = commands.filter((command) => command.name.startsWith(begun))
  if (matching.length === 1 && matching[0]?.name === begun) return []
  return matching.map((command) => ({ key: command.name, title: `/${command.name}`, note: command.description }))
}
