/** Reacting from a row: what the server refuses is said in a note at the bottom. */
import { asProblem } from '@/api/problem'
import type { Message } from '@/api/types'
import { useProblemText } from '@/locales/problemText'
import { toast } from '@/ui/toasts'

import { useReactions } from './reactions'

export function useReact(): (message: Message, emoji: string) => Promise<void> {
  const reactions = useReactions()
  const { text } = useProblemText()
  return async (message, emoji) => {
    try {
      await reactions.toggle(message, emoji)
    } catch (error) {
      toast(text(asProblem(error)))
    }
  }
}
