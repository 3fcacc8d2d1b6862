/** What a search answers. */

/** A piece of a message's text; `hit` says that it matched. Plain text, never markup. */
export interface Fragment {
  text: string
  hit: boolean
}

export interface Hit {
  message_id: string
  channel_id: string
  ch_seq: number
  author_id: string
  thread_id: string | null
  created_at: string
  edited_at: string | null
  fragments: Fragment[]
}

export interface Facet {
  id: string
  count: number
}

/** An operator that could not be taken as it was typed. */
export interface QueryProblem {
  operator: string
  value: string
  detail: string
}

export interface SearchAnswer {
  hits: Hit[]
  total: number
  facets: { channels: Facet[]; people: Facet[] }
  problems: QueryProblem[]
  next: string | null
  took_ms: number
}

export const SORTS = ['relevance', 'newest', 'oldest'] as const
export type Sort = (typeof SORTS)[number]
