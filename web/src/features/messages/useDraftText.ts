/**
 * The text of a composer, kept as the draft of its place. While somebody writes in it, what other devices make of the draft
 * waits; it shows as soon as they leave the field or have sent.
 */
import type { Ref } from 'vue'
import { onBeforeUnmount, ref, watch } from 'vue'

import { useDrafts } from '@/entities/drafts'
import type { Place } from '@/entities/place'

interface DraftText {
  readonly text: Ref<string>
  /** A key was pressed in the field. */
  readonly typed: () => void
  /** The field is left, or empty again. */
  readonly left: () => void
}

export function useDraftText(place: Place): DraftText {
  const drafts = useDrafts()
  const text = ref(drafts.get(place))

  watch(text, (now) => drafts.set(place, now), { flush: 'sync' })
  watch(
    () => drafts.get(place),
    (now) => {
      // White space alone is no draft, and no reason to take it from somebody's hands.
      if (now !== (text.value.trim() === '' ? '' : text.value)) text.value = now
    },
  )
  const left = (): void => drafts.release(place)
  onBeforeUnmount(left)
  return { text, typed: () => drafts.hold(place), left }
}
