/** A message that did not go is given back to its author, where they write: with what it quotes, before what they have begun since. */
import type { ComputedRef, InjectionKey } from 'vue'
import { computed, inject, nextTick, provide } from 'vue'

import { useDrafts } from '@/entities/drafts'
import type { Place } from '@/entities/place'
import { channelOf } from '@/entities/place'
import { quotesIn } from '@/entities/quoteText'
import { useEntities } from '@/entities/store'
import { useNames } from '@/entities/useNames'

import type { Pending } from './delivery'
import { useOutbox } from './outbox'
import { useQuotes } from './quotes'

type TakeBack = (pending: Pending) => void

const key: InjectionKey<ComputedRef<TakeBack | null>> = Symbol('take back')
const nowhere = computed(() => null)

/** Null where one cannot write now. */
export const useTakeBack = (): ComputedRef<TakeBack | null> => inject(key, nowhere)

/** `field`: where one writes in this place, as long as one can; `taken` is told what comes back. */
export function provideTakeBack(place: Place, field: () => { focus: () => void } | null, taken: TakeBack): void {
  const [drafts, entities, outbox, quotes] = [useDrafts(), useEntities(), useOutbox(), useQuotes()]
  const names = useNames(() => entities.channels.get(channelOf(place))?.channel.workspace_id ?? '')

  /** What is said, without the quotation if that can be given back as one. */
  function withoutQuote(text: string): string {
    const { ids, rest } = quotesIn(text, null)
    const quoted = ids.length === 1 && quotes.of(place) === null ? quotes.find(ids[0] ?? '') : null
    if (!quoted) return text
    quotes.quote(place, quoted)
    return rest
  }

  function takeBack(pending: Pending): void {
    const begun = drafts.get(place)
    const words = names.toEdit(withoutQuote(pending.text))
    drafts.set(place, begun === '' ? words : `${words}\n\n${begun}`)
    taken(pending)
    void outbox.remove(pending)
    void nextTick(() => field()?.focus())
  }

  provide(key, computed(() => (field() === null ? null : takeBack)))
}
