/**
 * Which of the loaded rows are in the page: those around what is looked at, out of as many as there are. TanStack Virtual
 * keeps their heights, measured or guessed, and says which of them an offset shows. The rows stand in the flow, and where
 * some are left out there is a gap; so a wrong guess is only a wrong gap, and useScrollAnchor goes by what is really there.
 */
import { defaultRangeExtractor, Virtualizer } from '@tanstack/virtual-core'

import type { Row } from './rows'
import { indexNear } from './rows'

/** Rows in the page beyond the screen, on each side. */
export const BESIDE = 25
/** As long as nobody has seen the list: the first of it is to be there at once. */
export const FEW = 5

/** Places to remember: several times as many as are in the page. */
const FOUND = 1_000

/** Guesses, in px: a line of text, what a header adds, and how many letters a line takes. */
const LINE = 22
const HEADER = 28
const LETTERS = 90

export interface Slot {
  readonly row: Row
  /** The height of the rows that are left out before it, in px. */
  readonly gap: number
}

export class RowWindow {
  #rows: readonly Row[] = []
  #beside = FEW
  #kept: readonly number[] = []
  /** Where each row was found last, and any: what is looked for next is near. */
  #found = new Map<string, number>()
  #near = 0
  #keys: { rows: readonly Row[]; keyOf: (index: number) => string } | null = null
  #heights = new Virtualizer<HTMLElement, HTMLElement>(this.#options())

  constructor() {
    // The view goes by a row (useScrollAnchor), not by heights.
    this.#heights.shouldAdjustScrollPositionOnItemSizeChange = () => false
  }

  get rows(): readonly Row[] {
    return this.#rows
  }

  /** From now on there are as many rows beyond the screen as make scrolling smooth. */
  widen(): void {
    this.#beside = BESIDE
  }

  setRows(rows: readonly Row[]): void {
    this.#rows = rows
    this.#heights.setOptions(this.#options())
    this.#heights.getTotalSize()
    this.#forgetHeights()
  }

  /** The rows for a view of this height, `offset` px below the first row. `kept`: rows that stay wherever they are. */
  slots(offset: number, height: number, kept: Iterable<string>): readonly Slot[] {
    this.#kept = [...kept].map((key) => this.indexOf(key)).filter((index) => index >= 0)
    // Another list of kept rows is another extractor, or the virtualizer answers what it did before.
    this.#heights.setOptions(this.#options())
    this.#heights.scrollRect = { width: 0, height }
    this.#heights.scrollOffset = Math.max(0, Math.min(offset, this.#heights.getTotalSize()))
    let end = 0
    return this.#heights.getVirtualItems().map((item) => {
      const slot = { row: this.#rows[item.index] as Row, gap: item.start - end }
      end = item.end
      return slot
    })
  }

  /** Where a row begins, in px below the first one; null for one that is not there. */
  startOf(key: string): number | null {
    const index = this.indexOf(key)
    if (index < 0) return null
    // Asking for the whole makes the parts be reckoned anew, when something has changed.
    this.#heights.getTotalSize()
    return this.#heights.measurementsCache[index]?.start ?? null
  }

  /** The row at so many px below the first one, and where it begins. */
  at(offset: number): { index: number; start: number } {
    const item = this.#heights.getVirtualItemForOffset(offset)
    return { index: item?.index ?? 0, start: item?.start ?? 0 }
  }

  measured(key: string, height: number): void {
    const index = this.indexOf(key)
    if (index >= 0) this.#heights.resizeItem(index, height)
  }

  indexOf(key: string): number {
    const index = indexNear(this.#rows, key, this.#found.get(key) ?? this.#near)
    if (index < 0) return index
    if (this.#found.size > FOUND) this.#found.clear()
    this.#found.set(key, index)
    this.#near = index
    return index
  }

  #options() {
    const rows = this.#rows
    const last = rows.length - 1
    const kept = this.#kept
    return {
      count: rows.length,
      overscan: this.#beside,
      getScrollElement: () => null,
      getItemKey: this.#keyOf(rows),
      estimateSize: (index: number) => guess(rows[index]),
      // With the last one there is no gap after it.
      rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) =>
        [...new Set([...defaultRangeExtractor(range), ...kept, last])].sort((a, b) => a - b),
      // It does not scroll anything and listens to nothing.
      scrollToFn: () => undefined,
      observeElementRect: () => undefined,
      observeElementOffset: () => undefined,
    }
  }

  /** The same function for the same rows: another one makes the virtualizer go through all of them. */
  #keyOf(rows: readonly Row[]): (index: number) => string {
    if (this.#keys?.rows !== rows) this.#keys = { rows, keyOf: (index) => rows[index]?.key ?? String(index) }
    return this.#keys.keyOf
  }

  /** Of rows that have left the list for good. */
  #forgetHeights(): void {
    const cache = this.#heights.itemSizeCache
    if (cache.size < 2 * this.#rows.length + 1_000) return
    const present = new Set(this.#rows.map((row) => row.key))
    for (const key of cache.keys()) if (!present.has(String(key))) cache.delete(key)
  }
}

function guess(row: Row | undefined): number {
  if (row?.kind !== 'message') return 42
  const lines = Math.ceil(row.text.length / LETTERS) || 1
  return lines * LINE + 4 + (row.head ? HEADER : 0)
}
