/** The audit log: what is asked of it, and an entry's changes as lines. Pure. */
import type { AuditEntry, AuditOutcome, AuditQuestion } from '@/api/administration'

/** What is done in governing, by what it is done to; as the server names it. */
export const ACTIONS = [
  'workspace.updated', 'permissions.updated',
  'member.added', 'member.role_changed', 'member.removed', 'member.deactivated', 'member.reactivated',
  'member.banned', 'member.ban_lifted', 'member.muted', 'member.mute_lifted',
  'invite.created', 'invite.withdrawn',
  'channel.created', 'channel.updated', 'channel.archived', 'channel.unarchived', 'channel.deleted', 'channel.role_changed',
  'channel.member_added', 'channel.member_removed', 'channel.member_banned', 'channel.ban_lifted',
  'channel.member_muted', 'channel.mute_lifted',
  'message.deleted', 'message.pinned', 'message.unpinned', 'report.resolved',
  'audit.exported', 'audit.read', 'report.read', 'invite.read', 'member.bans_read', 'member.mutes_read',
  'channel.bans_read', 'channel.mutes_read',
] as const

/** As the address has them: days, and nothing for what is not asked. */
export interface AuditFilter {
  actor: string
  action: string
  target: string
  outcome: string
  from: string
  to: string
}

export const NO_FILTER: AuditFilter = { actor: '', action: '', target: '', outcome: '', from: '', to: '' }

export function filterFrom(query: Record<string, unknown>): AuditFilter {
  const text = (name: keyof AuditFilter) => (typeof query[name] === 'string' ? query[name] : '')
  const day = (name: 'from' | 'to') => (/^\d{4}-\d{2}-\d{2}$/.test(text(name)) ? text(name) : '')
  return {
    actor: text('actor'), action: text('action'), target: text('target'), outcome: text('outcome'), from: day('from'), to: day('to'),
  }
}

export function queryOf(filter: AuditFilter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''))
}

/** Days of the reader: from the beginning of the first to the end of the last. */
export function questionOf(filter: AuditFilter): AuditQuestion {
  const outcomes: readonly string[] = ['done', 'denied'] satisfies AuditOutcome[]
  return {
    actor: filter.actor || null,
    action: filter.action || null,
    target: filter.target || null,
    outcome: outcomes.includes(filter.outcome) ? (filter.outcome as AuditOutcome) : null,
    from: dayStart(filter.from, 0),
    to: dayStart(filter.to, 1),
  }
}

function dayStart(day: string, later: number): string | null {
  const [year, month, date] = day.split('-').map(Number)
  if (year === undefined || month === undefined || date === undefined) return null
  return new Date(year, month - 1, date + later).toISOString()
}

export interface ChangeLine {
  field: string
  before: string | null
  after: string | null
}

/** What differs, a line each; of a table of names only the names that do. */
export function changesOf({ before, after }: Pick<AuditEntry, 'before' | 'after'>): ChangeLine[] {
  const [was, is] = [flat(before), flat(after)]
  const fields = [...new Set([...was.keys(), ...is.keys()])]
  return fields
    .map((field) => ({ field, before: was.get(field) ?? null, after: is.get(field) ?? null }))
    .filter((line) => line.before !== line.after)
}

function flat(values: unknown): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value] of Object.entries((values as Record<string, unknown> | null) ?? {})) {
    if (value === null || value === undefined) continue
    if (typeof value === 'object' && !Array.isArray(value)) for (const [inner, text] of flat(value)) found.set(inner, text)
    else found.set(name, typeof value === 'string' ? value : JSON.stringify(value))
  }
  return found
}
