import type { components } from './schema'

export type Schemas = components['schemas']

/** In an answer every field is there: those with a default are optional only in what one sends. */
export type Answer<T> = T extends readonly (infer Item)[]
  ? Answer<Item>[]
  : T extends object
    ? { [Key in keyof T]-?: Answer<Exclude<T[Key], undefined>> }
    : T
