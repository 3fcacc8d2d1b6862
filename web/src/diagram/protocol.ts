/** What the page and the frame that draws diagrams say to each other, one after the other, on a port of their own. */

/** Colours as `#rrggbb`. */
export interface Look {
  readonly dark: boolean
  readonly page: string
  readonly side: string
  readonly float: string
  readonly text: string
  readonly muted: string
  readonly line: string
  readonly accent: string
  readonly soft: string
  readonly warning: string
}

export interface Wish {
  readonly source: string
  readonly look: Look
}

/** A picture, or why there is none; an empty reason when nobody knows. */
export type Answer =
  | { readonly svg: string; readonly width: number; readonly height: number; readonly title: string }
  | { readonly problem: string }
