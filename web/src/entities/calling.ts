/**
 * Before a text calls everybody in a channel of some size its author is asked, with how many they are: when it is sent, when it
 * is put off, and when an edit makes it call somebody. Who writes such texts asks here; the question stands in one place.
 */
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'

import { channels } from '@/api/endpoints'
import { asProblem } from '@/api/problem'

import { audienceOf } from './mentions'
import type { Place } from './place'
import { channelOf, threadOf } from './place'
import { useEntities } from './store'

/** Calling so many people (oneself included) needs no question. */
const ASK_ABOVE = 5
/** Longer than this nobody waits for the numbers. */
const PATIENCE_MS = 500

export type Audience = 'channel' | 'here'

interface Call {
  readonly place: Place
  readonly text: string
  /** What it said until now: whom that has called is not called anew. */
  readonly former?: string
  readonly alsoInChannel?: boolean
  /** What happens to the text when the answer is yes. */
  readonly deed: 'send' | 'schedule' | 'save'
}

/** What waits for an answer to "call them all?". */
export interface Asking {
  readonly audience: Audience
  readonly people: number
  /** How many different times it is where they are; 0: not known. */
  readonly timeZones: number
  readonly deed: Call['deed']
  readonly answer: (yes: boolean) => void
}

/** Anything but a problem of the server's or the network's is ours, and thrown. */
function nothing(error: unknown): null {
  asProblem(error)
  return null
}

export const useCalling = defineStore('calling', () => {
  const entities = useEntities()
  const asking = shallowRef<Asking | null>(null)
  /** The one question that is counted for or asked. */
  let waiting: { dropped: boolean } | null = null

  /** Whom it calls who was not called before. In a thread nobody is but those who hear of every reply. */
  function called({ place, text, former = '', alsoInChannel = false }: Call): Audience | null {
    if (threadOf(place) !== null && !alsoInChannel) return null
    const [now, before] = [audienceOf(text), audienceOf(former)]
    return now === before || before === 'channel' ? null : now
  }

  /** True at once where there is nothing to ask. False as well when a question is open already, or when its author goes away. */
  async function agreed(call: Call): Promise<boolean> {
    const audience = called(call)
    const channelId = channelOf(call.place)
    const members = entities.channels.get(channelId)?.memberCount ?? 0
    if (audience === null || members <= ASK_ABOVE) return true
    if (waiting !== null) return false
    const mine = (waiting = { dropped: false })
    const numbers = await reached(channelId, members - 1)
    if (mine.dropped) return false
    return new Promise((resolve) => {
      const answer = (yes: boolean): void => {
        asking.value = null
        waiting = null
        resolve(yes)
      }
      asking.value = { audience, ...numbers, deed: call.deed, answer }
    })
  }

  /** What the server counts, else what is known here. */
  async function reached(channelId: string, known: number): Promise<Pick<Asking, 'people' | 'timeZones'>> {
    const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE_MS))
    const counted = await Promise.race([channels.reach(channelId).catch(nothing), late])
    return { people: counted?.people ?? known, timeZones: counted?.time_zones ?? 0 }
  }

  /** Who was to answer looks at something else now. */
  function drop(): void {
    if (waiting !== null) waiting.dropped = true
    waiting = null
    asking.value?.answer(false)
  }

  return { asking, agreed, drop }
})
