/** Sends what was written: to the place, or to whoever answers commands; asks before everybody in a larger channel is called. */
import { shallowRef } from 'vue'

import { audienceOf } from '@/entities/mentions'
import type { Place } from '@/entities/place'
import { channelOf } from '@/entities/place'
import { useEntities } from '@/entities/store'

import type { CommandLine } from './commandLine'
import { useOutbox } from './outbox'

/** Calling so many people (oneself included) needs no question. */
const ASK_ABOVE = 5

/** What waits for an answer to "call them all?". */
export interface Asking {
  readonly audience: 'channel' | 'here'
  readonly people: number
  readonly yes: () => void
}

interface Wish {
  readonly place: Place
  readonly commands: CommandLine
  readonly alsoInChannel: () => boolean
  /** It is on its way: the field can be emptied, if it still says this. */
  readonly done: (words: string) => void
}

export function useSubmit({ place, commands, alsoInChannel, done }: Wish) {
  const entities = useEntities()
  const outbox = useOutbox()
  const asking = shallowRef<Asking | null>(null)

  /** `words` as they stand in the field, `sent` as the server gets them. */
  async function submit(words: string, sent: string): Promise<void> {
    if (commands.busy) return
    if (commands.isCommand(words)) {
      if (await commands.run(words)) done(words)
      return
    }
    const audience = audienceOf(sent)
    const people = entities.channels.get(channelOf(place))?.memberCount ?? 0
    const send = (): void => {
      asking.value = null
      outbox.send(place, sent, { alsoInChannel: alsoInChannel() })
      done(words)
    }
    if (audience === null || people <= ASK_ABOVE) send()
    else asking.value = { audience, people, yes: send }
  }

  return { asking, submit }
}
