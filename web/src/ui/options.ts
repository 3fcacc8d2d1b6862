/** What one chooses from, in a select, a combobox or a row of segments. */
import type { Component } from 'vue'

export type OptionValue = string | number

export interface Option<T extends OptionValue = string> {
  readonly value: T
  readonly label: string
  /** Beside the label, smaller. */
  readonly note?: string
  readonly icon?: Component
  readonly disabled?: boolean
}
