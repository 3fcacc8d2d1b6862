/** One line of a list of completions. */
export interface Suggestion {
  /** Unique in its list. */
  readonly key: string
  /** What is completed, as it will stand in the field. */
  readonly title: string
  readonly note: string
  readonly avatar?: { readonly letters: string; readonly hue: number }
  readonly emoji?: string
}
