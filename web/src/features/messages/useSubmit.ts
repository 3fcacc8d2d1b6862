/** Sends what was written: to the place, or to whoever answers commands; asks before everybody in a larger channel is called. */
import { shallowRef } from 'vue'

import { channels } from '@/api/endpoints'
import { asProblem } from '@/api/problem'
import { audienceOf } from '@/entities/mentions'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { useEntities } from '@/entities/store'

import type { CommandLine } from './commandLine'
import { useOutbox } from './outbox'

/** Calling so many people (oneself included) needs no question. */
const ASK_ABOVE = 5
/** Longer than this nobody waits for the numbers. */
const PATIENCE_MS = 500

/** What waits for an answer to "call them all?". */
export interface Asking {
  readonly audience: 'channel' | 'here'
  readonly people: number
  /** How many different times it is where they are; 0: not known. */
  readonly timeZones: number
  readonly yes: () => void
}

interface Wish {
  readonly place: Place
  readonly commands: CommandLine
  readonly alsoInChannel: () => boolean
  /** It is on its way: the field can be emptied, if it still says this. */
  readonly done: (words: string) => void
}

/** Anything but a problem of the server's or the network's is ours, and thrown. */
function nothing(error: unknown): null {
  asProblem(error)
  return null
}

export function useSubmit({ place, commands, alsoInChannel, done }: Wish) {
  const entities = useEntities()
  const outbox = useOutbox()
  const asking = shallowRef<Asking | null>(null)
  let counting = false

  /** `words` as they stand in the field, `sent` as the server gets them. */
  async function submit(words: string, sent: string): Promise<void> {
    if (commands.busy || counting) return
    if (commands.isCommand(words)) {
      if (await commands.run(words)) done(words)
      return
    }
    // In a thread it calls nobody but those who hear of every reply.
    const audience = threadOf(place) === null || alsoInChannel() ? audienceOf(sent) : null
    const members = entities.channels.get(channelOf(place))?.memberCount ?? 0
    const send = (): void => {
      asking.value = null
      outbox.send(place, sent, { alsoInChannel: alsoInChannel() })
      done(words)
    }
    if (audience === null || members <= ASK_ABOVE) return send()
    counting = true
    asking.value = { audience, ...(await reached(members - 1).finally(() => (counting = false))), yes: send }
  }

  /** What the server counts, else what is known here. */
  async function reached(known: number): Promise<Pick<Asking, 'people' | 'timeZones'>> {
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS))
    const counted = await Promise.race([channels.reach(channelOf(place)).catch(nothing), late])
    return { people: counted?.people ?? known, timeZones: counted?.time_zones ?? 0 }
  }

  return { asking, submit }
}
