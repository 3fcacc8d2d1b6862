/** How layers and their rows look: one place, since each is drawn by several components. */

/** What floats above the page: a menu, a list, a popover. */
export const FLOAT =
  'layer z-50 max-h-[var(--reka-popper-available-height)] overflow-y-auto rounded-card border border-line bg-float text-text shadow-layer focus:outline-none'

/** The size of a menu. */
export const MENU = `${FLOAT} w-max max-w-[min(20rem,calc(100vw-1.5rem))] min-w-56 p-1`

/** One line of a menu or of a list. */
export const ROW =
  'flex min-h-8 w-full cursor-pointer items-center gap-2.5 rounded-control px-2.5 py-1 text-start outline-none select-none data-[disabled]:cursor-default data-[disabled]:opacity-50 data-[highlighted]:bg-hover max-wide:min-h-11'

/** The name above a field. */
export const LABEL = 'mb-1 block text-meta font-medium'

/** A field to write into: its frame, without its size. */
export const FIELD = 'rounded-control border border-line-strong bg-float focus:border-accent focus:outline-2 focus:outline-accent max-wide:text-base'

/** The same around several parts, one of which has the focus. */
export const FIELD_AROUND =
  'rounded-control border border-line-strong bg-float focus-within:border-accent focus-within:outline-2 focus-within:outline-accent max-wide:text-base'

/** How far a layer stays from what it belongs to, and from the edge of the window; px. */
export const GAP = 4
export const EDGE = 8
