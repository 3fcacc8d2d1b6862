/**
 * Keys as they are written down: "Mod+KeyK", "Alt+Shift+ArrowUp", "KeyG KeyI" (one after the other), "?". Letters and
 * digits go by their place on the keyboard, so that they work in every layout; signs go by what they write. `Mod` is
 * Cmd on a Mac and Ctrl elsewhere. Pure.
 */

export interface Stroke {
  readonly mod: boolean
  /** The Control key of a Mac. */
  readonly ctrl: boolean
  readonly alt: boolean
  readonly shift: boolean
  /** A code ("KeyK", "ArrowUp"), or a sign ("/"). */
  readonly key: string
}

/** What of a keyboard event counts. */
export type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** Where signs are on an American keyboard: for layouts that do not write them at all. */
const PLACES: Readonly<Record<string, string>> = {
  '/': 'Slash',
  '?': 'Slash',
  '.': 'Period',
  ',': 'Comma',
  ':': 'Semicolon',
  '+': 'Equal',
  '[': 'BracketLeft',
  ']': 'BracketRight',
}
const SHIFTED = '?:+'

const MODIFIERS = new Set(['Control', 'Meta', 'Alt', 'AltGraph', 'Shift', 'CapsLock', 'Fn', 'Dead', 'Process'])

export const isSign = (key: string): boolean => [...key].length === 1

export function parse(keys: string): Stroke[] {
  return keys.split(' ').map((text) => {
    // A plus may be the key itself: "+", "Mod++".
    const parts = text.endsWith('+') ? [...text.slice(0, -1).split('+').filter(Boolean), '+'] : text.split('+')
    const held = new Set(parts.slice(0, -1))
    return {
      mod: held.has('Mod'),
      ctrl: held.has('Ctrl'),
      alt: held.has('Alt'),
      shift: held.has('Shift'),
      key: parts.at(-1) ?? '',
    }
  })
}

export function write(stroke: Stroke): string {
  const held = [stroke.mod && 'Mod', stroke.ctrl && 'Ctrl', stroke.alt && 'Alt', stroke.shift && 'Shift']
  return [...held.filter(Boolean), stroke.key].join('+')
}

export function matches(stroke: Stroke, event: Pressed, mac: boolean): boolean {
  const mod = mac ? event.metaKey : event.ctrlKey
  const ctrl = mac ? event.ctrlKey : event.metaKey
  if (mod !== stroke.mod || ctrl !== stroke.ctrl || event.altKey !== stroke.alt) return false
  if (!isSign(stroke.key)) return event.code === stroke.key && event.shiftKey === stroke.shift
  // Some layouts write it with Shift and some without.
  if (event.key === stroke.key) return true
  const written = event.key.length === 1 && event.key.charCodeAt(0) < 128
  return !written && event.code === PLACES[stroke.key] && event.shiftKey === SHIFTED.includes(stroke.key)
}

/** What was pressed, to be written down; null for a modifier alone. */
export function pressed(event: Pressed, mac: boolean): string | null {
  if (MODIFIERS.has(event.key) || event.code === '') return null
  const sign = isSign(event.key) && !/^(Key|Digit|Numpad)/.test(event.code) && event.key in PLACES
  return write({
    mod: mac ? event.metaKey : event.ctrlKey,
    ctrl: mac ? event.ctrlKey : event.metaKey,
    alt: event.altKey,
    shift: !sign && event.shiftKey,
    key: sign ? event.key : event.code,
  })
}

/** It is a character and nothing else: it may act only where nobody writes, and some people want none of these. */
export function isSingle(keys: string): boolean {
  return parse(keys).some(({ mod, ctrl, alt, key }) => !mod && !ctrl && !alt && (isSign(key) || /^(Key|Digit)/.test(key)))
}

/** Both would be meant by the same keys, or one begins as the other does. */
export function clash(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b} `) || b.startsWith(`${a} `)
}

const NAMES: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  Delete: 'Del',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
}
const MAC = { mod: '⌘', ctrl: '⌃', alt: '⌥', shift: '⇧' }
const ELSEWHERE = { mod: 'Ctrl', ctrl: 'Meta', alt: 'Alt', shift: 'Shift' }

/** What stands on a key. `layout` tells it of the keyboard at hand, where the browser does. */
export function capOf(key: string, layout: ReadonlyMap<string, string>): string {
  if (isSign(key)) return key
  const here = layout.get(key)
  if (here !== undefined) return here.toLocaleUpperCase()
  return NAMES[key] ?? key.replace(/^(Key|Digit)/, '')
}

/** For the eye: one list of caps per stroke. */
export function caps(keys: string, mac: boolean, layout: ReadonlyMap<string, string> = new Map()): string[][] {
  const names = mac ? MAC : ELSEWHERE
  return parse(keys).map((stroke) => [
    ...(['ctrl', 'mod', 'alt', 'shift'] as const).filter((name) => stroke[name]).map((name) => names[name]),
    capOf(stroke.key, layout),
  ])
}

/** For `aria-keyshortcuts`; null for strokes one after the other, which it has no words for. */
export function ariaKeys(keys: string, mac: boolean): string | undefined {
  const [stroke, ...more] = parse(keys)
  if (stroke === undefined || more.length > 0) return undefined
  const held = [
    stroke.mod && (mac ? 'Meta' : 'Control'),
    stroke.ctrl && (mac ? 'Control' : 'Meta'),
    stroke.alt && 'Alt',
    stroke.shift && 'Shift',
  ]
  const key = stroke.key.replace(/^(Key|Digit)/, '')
  return [...held.filter(Boolean), key === '+' ? 'Plus' : key].join('+')
}
