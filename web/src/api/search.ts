/** What a search answers. */
import type { Answer, Schemas } from './answer'

/** A piece of a message's text; `hit` says that it matched. Plain text, never markup. */
export type Fragment = Answer<Schemas['Fragment']>
export type SearchAnswer = Answer<Schemas['SearchResult']>
export type Hit = SearchAnswer['hits'][number]

export const SORTS = ['relevance', 'newest', 'oldest'] as const
export type Sort = (typeof SORTS)[number]
