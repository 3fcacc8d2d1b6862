/** Where a layer stands beside what it belongs to: below it, else above; never over the edge of the window. Pure; in px. */

interface Size {
  readonly width: number
  readonly height: number
}

interface Box extends Size {
  readonly top: number
  readonly left: number
}

const EDGE = 8
const GAP = 6

export function beside(anchor: Box, layer: Size, view: Size): { top: string; left: string } {
  const below = anchor.top + anchor.height + GAP
  const top = below + layer.height + EDGE <= view.height ? below : anchor.top - layer.height - GAP
  const limit = (value: number, most: number): number => Math.max(EDGE, Math.min(value, most))
  return {
    top: `${limit(top, view.height - layer.height - EDGE)}px`,
    left: `${limit(anchor.left, view.width - layer.width - EDGE)}px`,
  }
}
