/** From numbers to places in a drawing. Pure. */

/** Round steps from 0 to at least `max`: 1, 2 or 5 times a power of ten, whole because people and messages are. */
export function ticks(max: number, wanted = 4): number[] {
  if (!(max > 0)) return [0, 1]
  const rough = max / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = Math.max(1, power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10))
  const count = Math.ceil(max / step)
  return Array.from({ length: count + 1 }, (_, index) => index * step)
}

export type Scale = (value: number) => number

/** Straight from one range to another; a range without length leads to its middle. */
export function linear([from, to]: readonly [number, number], [start, end]: readonly [number, number]): Scale {
  if (from === to) return () => (start + end) / 2
  return (value) => start + ((value - from) / (to - from)) * (end - start)
}

export interface Band {
  readonly start: number
  readonly width: number
}

/** Places of equal width for `count` columns, with a share of each left free between them. */
export function bands(count: number, width: number, gap = 0.25): Band[] {
  const step = width / Math.max(1, count)
  return Array.from({ length: count }, (_, index) => ({ start: index * step + (step * gap) / 2, width: step * (1 - gap) }))
}

/** At most `most` of the indexes of a list, evenly spaced, beginning with the first: which labels to write. */
export function labelled(count: number, most: number): number[] {
  const step = Math.max(1, Math.ceil(count / Math.max(1, most)))
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step)
}

/** An SVG path through the points. */
export function line(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)},${y.toFixed(1)}`).join('')
}

/** Change against the time before, as a share; null when there was nothing to compare with. */
export function change(now: number, before: number): number | null {
  return before === 0 ? null : (now - before) / before
}
