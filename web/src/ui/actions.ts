/**
 * What can be done by a key or from the command palette. The app declares each action once, with its keys; whoever can
 * do it says so while it is there (`useAction`). Of several the one that came last does it. Which keys mean what is
 * kept in this browser, and can be changed or switched off.
 */
import { computed, onScopeDispose, shallowReactive, shallowRef } from 'vue'

import type { Pressed } from './keys'
import { isSingle, matches, parse } from './keys'

/**
 * `everywhere`: also while somebody writes. `page`: not in a field. Others are the name of a part of the page that asks
 * by itself which action a key means (`actionFor`).
 */
export type Where = 'everywhere' | 'page' | 'message' | 'composer'

export interface Action {
  readonly id: string
  readonly group: string
  readonly keys: readonly string[]
  readonly where: Where
  /** Offered in the palette, while somebody can do it. */
  readonly offered?: boolean
  /** Its keys are told of, and stay as they are. */
  readonly fixed?: boolean
}

interface Doer {
  readonly run: () => void
  readonly when: () => boolean
}

interface Wishes {
  /** By id, where they are not as declared; an empty list switches the action's keys off. */
  readonly keys: Readonly<Record<string, readonly string[]>>
  /** Keys that are a character and nothing else act. */
  readonly singles: boolean
}

const KEY = 'tertulia.keys'
const AS_DECLARED: Wishes = { keys: {}, singles: true }
export const MAC = /mac|iphone|ipad/i.test(navigator.platform)

const declared = shallowReactive(new Map<string, Action>())
const doers = shallowReactive(new Map<string, readonly Doer[]>())
const wishes = shallowRef<Wishes>(stored())

addEventListener('storage', (event) => {
  if (event.key === KEY) wishes.value = stored()
})

function stored(): Wishes {
  try {
    return { ...AS_DECLARED, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Wishes>) }
  } catch {
    return AS_DECLARED
  }
}

function keep(next: Wishes): void {
  wishes.value = next
  try {
    localStorage.setItem(KEY, JSON.stringify(next))
  } catch {
    // Blocked storage: it lasts as long as the tab.
  }
}

export function declareActions(actions: readonly Action[]): void {
  for (const action of actions) declared.set(action.id, action)
}

/** In the order of their declaration. */
export const allActions = computed(() => [...declared.values()])

/** Does it while this component (or effect scope) is there. */
export function useAction(id: string, run: () => void, when: () => boolean = () => true): void {
  const doer: Doer = { run, when }
  doers.set(id, [...(doers.get(id) ?? []), doer])
  onScopeDispose(() => doers.set(id, (doers.get(id) ?? []).filter((other) => other !== doer)))
}

function doerOf(id: string): Doer | undefined {
  return doers.get(id)?.findLast((doer) => doer.when())
}

export const canRun = (id: string): boolean => doerOf(id) !== undefined

/** False when nobody can do it just now. */
export function runAction(id: string): boolean {
  const doer = doerOf(id)
  doer?.run()
  return doer !== undefined
}

/** Those that act: none when they are switched off. */
export function keysOf(id: string): readonly string[] {
  const { keys, singles } = wishes.value
  const all = keys[id] ?? declared.get(id)?.keys ?? []
  return singles ? all : all.filter((one) => !isSingle(one))
}

/** Those that were declared or wished for, whether they act or not. */
export const wishedKeys = (id: string): readonly string[] => wishes.value.keys[id] ?? declared.get(id)?.keys ?? []
export const isChanged = (id: string): boolean => id in wishes.value.keys
export const anyChanged = computed(() => Object.keys(wishes.value.keys).length > 0)
export const singles = computed({ get: () => wishes.value.singles, set: (on) => keep({ ...wishes.value, singles: on }) })

/** Null: as declared. */
export function setKeys(id: string, keys: readonly string[] | null): void {
  const { [id]: _, ...others } = wishes.value.keys
  keep({ ...wishes.value, keys: keys === null ? others : { ...others, [id]: keys } })
}

export const resetKeys = (): void => keep({ ...wishes.value, keys: {} })

/** Which action of this part of the page a key means, if any: of one stroke. */
export function actionFor(event: Pressed, where: Where): string | null {
  for (const action of declared.values()) {
    if (action.where !== where) continue
    for (const keys of keysOf(action.id)) {
      const [stroke, ...more] = parse(keys)
      if (stroke !== undefined && more.length === 0 && matches(stroke, event, MAC)) return action.id
    }
  }
  return null
}
