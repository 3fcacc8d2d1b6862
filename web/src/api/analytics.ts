/** Reports: a table with typed columns, and its totals beside those of the time before. */

export const REPORTS = ['overview', 'messages', 'active-users', 'channels', 'ai'] as const
export type ReportName = (typeof REPORTS)[number]
export const BUCKETS = ['hour', 'day', 'week'] as const
export type Bucket = (typeof BUCKETS)[number]

export interface Column {
  name: string
  title: string
  type: 'time' | 'count' | 'number' | 'text' | 'id'
}

export type Cell = string | number | null

export interface Report {
  report: ReportName
  from: string
  to: string
  bucket: Bucket
  generated_at: string
  lag_s: number
  columns: Column[]
  rows: Cell[][]
  totals: Record<string, number>
  previous: Record<string, number>
}
