/** What rendered texts need to know of their reader: who the names in them are, and what buttons are called. */
import type { ComputedRef, InjectionKey } from 'vue'
import { computed, inject, provide } from 'vue'

import type { Labels } from './markdown/enrich'
import type { Names } from './markdown/names'

export interface TextContext {
  readonly names: Names | undefined
  /** None: code and spoilers get no buttons. */
  readonly labels: ComputedRef<Labels | undefined>
}

const key: InjectionKey<TextContext> = Symbol('texts')
const NOTHING: TextContext = { names: undefined, labels: computed(() => undefined) }

export const provideTextContext = (context: TextContext): void => provide(key, context)
export const useTextContext = (): TextContext => inject(key, NOTHING)
