/** Reports: a table with typed columns, and its totals beside those of the time before. */
import type { Answer, Schemas } from './answer'

export type ReportName = Schemas['Name']
export const BUCKETS = ['hour', 'day', 'week'] as const satisfies readonly Bucket[]
export type Bucket = Schemas['Bucket']
export type Report = Answer<Schemas['Report']>
export type Column = Answer<Schemas['Column']>
export type Cell = Report['rows'][number][number]
