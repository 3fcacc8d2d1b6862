/** What one chooses from, in a select, a combobox, tabs or radio buttons. */
export type OptionValue = string | number

export interface Option<T extends OptionValue = string> {
  readonly value: T
  readonly label: string
  /** Beside the label, smaller. */
  readonly note?: string | undefined
  /** Below the label, of a radio button: what it does, where the label does not say it. */
  readonly hint?: string | undefined
  /** Of the label, where it is not the page's. */
  readonly lang?: string | undefined
  readonly disabled?: boolean
}

export interface Found<T extends OptionValue> {
  readonly option: Option<T>
  /** In the list of all. */
  readonly place: number
}

/** Those whose name has this part in it, whatever the case and the accents; at most so many. */
export function found<T extends OptionValue>(options: readonly Option<T>[], part: string, most: number): Found<T>[] {
  const wanted = folded(part.trim())
  const all: Found<T>[] = []
  for (const [place, option] of options.entries()) {
    if (all.length === most) break
    if (folded(`${option.label} ${option.note ?? ''}`).includes(wanted)) all.push({ option, place })
  }
  return all
}

function folded(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase()
}
