/** The page's one listener for the keys of actions. What a field, a row or a layer uses itself comes first. */
import { onBeforeUnmount, onMounted } from 'vue'

import type { Action } from './actions'
import { allActions, canRun, keysOf, MAC, runAction } from './actions'
import { escaped } from './escape'
import type { Stroke } from './keys'
import { isSingle, matches, parse } from './keys'
import { layerAbove } from './layers'

/** So long after the first of two keys the second still belongs to it. */
const PAUSE_MS = 1_500

interface Begun {
  readonly id: string
  readonly rest: readonly Stroke[]
}

export function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !['button', 'checkbox', 'radio', 'submit', 'range'].includes(target.type)
  return target.matches('textarea, select, [contenteditable=""], [contenteditable="true"]')
}

const isModifier = (event: KeyboardEvent): boolean => ['Control', 'Meta', 'Alt', 'AltGraph', 'Shift'].includes(event.key)

/** Every way to press it that may act now. */
function ways(action: Action, writing: boolean): Stroke[][] {
  if (action.where !== 'everywhere' && (action.where !== 'page' || writing)) return []
  return keysOf(action.id).filter((keys) => !writing || !isSingle(keys)).map(parse)
}

export function useKeyMap(): void {
  let begun: readonly Begun[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  /** A layer was open when the key went down: whoever closes it with this key closes nothing else. */
  let covered = false

  function forget(): void {
    clearTimeout(timer)
    begun = []
  }

  /** True when the key was for an action, or for the first half of one. */
  function took(event: KeyboardEvent, from: readonly Begun[]): boolean {
    const fitting = from.filter(({ rest }) => rest[0] !== undefined && matches(rest[0], event, MAC))
    forget()
    const whole = fitting.find(({ id, rest }) => rest.length === 1 && canRun(id))
    if (whole !== undefined) return runAction(whole.id)
    begun = fitting.filter(({ rest }) => rest.length > 1).map(({ id, rest }) => ({ id, rest: rest.slice(1) }))
    if (begun.length === 0) return false
    timer = setTimeout(forget, PAUSE_MS)
    return true
  }

  /** Before anybody else: the second of two keys is nobody else's, and what lies above is seen before it is closed. */
  function onCapture(event: KeyboardEvent): void {
    covered = layerAbove()
    if (begun.length === 0 || isModifier(event)) return
    if (covered || isWriting(event.target)) return forget()
    if (!took(event, begun)) return
    event.preventDefault()
    event.stopPropagation()
  }

  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || covered || isModifier(event)) return
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey
    if (event.key === 'Escape' && plain) {
      if (escaped()) event.preventDefault()
      return
    }
    const writing = isWriting(event.target)
    const all = allActions.value.flatMap((action) => ways(action, writing).map((rest) => ({ id: action.id, rest })))
    if (took(event, all)) event.preventDefault()
  }

  onMounted(() => {
    addEventListener('keydown', onCapture, true)
    addEventListener('keydown', onKey)
  })
  onBeforeUnmount(() => {
    removeEventListener('keydown', onCapture, true)
    removeEventListener('keydown', onKey)
    forget()
  })
}
