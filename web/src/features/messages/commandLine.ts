import type { Suggestion } from '@/ui/suggestion'

/** What the composer needs to know about commands; who answers them is not its business. */
export interface CommandLine {
  /** Names the list of completions. */
  readonly label: string
  readonly busy: boolean
  isCommand: (text: string) => boolean
  suggest: (text: string) => readonly Suggestion[]
  /** False when it failed: the text stays. */
  run: (text: string) => Promise<boolean>
}
