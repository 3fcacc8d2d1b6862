/** Reading in a list: what was seen of it, and its "New" line. */
import type { ComputedRef, Ref } from 'vue'
import { computed } from 'vue'

import type { Message } from '@/api/types'
import type { Place } from '@/entities/place'
import { useEntities } from '@/entities/store'
import type { Timeline } from '@/entities/timeline'

import type { Slot } from './rowWindow'
import { useNewLine } from './useNewLine'
import { useReading } from './useReading'

interface Parts {
  box: Readonly<Ref<HTMLElement | null>>
  timeline: ComputedRef<Timeline>
  /** What is shown of it. */
  messages: ComputedRef<readonly Message[]>
  /** It is made after the rows, which need the line. */
  scroll: () => { onScreen: () => string[]; slots: Readonly<Ref<readonly Slot[]>> }
}

export function useListReading(place: Place, { box, timeline, messages, scroll }: Parts) {
  const entities = useEntities()
  const { unreadAfter, fresh, see, caughtUp } = useReading(place, {
    // Nothing while a thread covers the channel.
    onScreen: () => (box.value?.checkVisibility({ visibilityProperty: true }) === false ? [] : scroll().onScreen()),
    drawn: () => scroll().slots.value.map(({ row }) => row),
  })
  const line = useNewLine({
    box,
    after: unreadAfter,
    messages,
    hasBefore: () => timeline.value.hasBefore,
    reader: () => entities.readerOf(place),
  })

  /** The rows or the view have changed. */
  function look(): void {
    see()
    line.measure()
  }

  const banner = computed(() => ({ count: fresh.value, since: line.since.value }))
  return { line, banner, unreadAfter, unread: computed(() => entities.cursorOf(place)?.unread ?? 0), look, caughtUp }
}
