/** Sends what was written: to the place, or to whoever answers commands; asks before everybody in a larger channel is called. */
import { useCalling } from '@/entities/calling'
import type { Place } from '@/entities/place'

import type { CommandLine } from './commandLine'
import { useOutbox } from './outbox'

interface Wish {
  readonly place: Place
  readonly commands: CommandLine
  readonly alsoInChannel: () => boolean
  /** It is on its way: the field can be emptied, if it still says this. */
  readonly done: (words: string) => void
}

export function useSubmit({ place, commands, alsoInChannel, done }: Wish) {
  const outbox = useOutbox()
  const calling = useCalling()

  /** `words` as they stand in the field, `sent` as the server gets them. */
  return async function submit(words: string, sent: string): Promise<void> {
    if (commands.busy) return
    if (commands.isCommand(words)) {
      if (await commands.run(words)) done(words)
      return
    }
    const also = alsoInChannel()
    if (!(await calling.agreed({ place, text: sent, alsoInChannel: also, deed: 'send' }))) return
    outbox.send(place, sent, { alsoInChannel: also })
    done(words)
  }
}
