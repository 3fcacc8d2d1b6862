/** Invitations: for whom, how long, how many. Pure. */
import type { Role } from '@/api/types'
import { compareRoles, may } from '@/entities/permissions'
import type { WorkspaceEntry } from '@/entities/store'

/** Seconds; the server takes at most 90 days. */
export const EXPIRIES = [3_600, 86_400, 604_800, 2_592_000, 7_776_000] as const

/** Up to one's own role; nobody becomes owner by an invitation. */
export function invitableRoles(home: WorkspaceEntry): Role[] {
  const roles: Role[] = ['member', 'guest', 'moderator', 'admin']
  return roles.filter(
    (role) => compareRoles(role, home.role) <= 0 && may(home, role === 'guest' ? 'invite_guests' : 'invite_members'),
  )
}

/** What was typed as a number of uses: nothing is any number; null when it is none. */
export function usesOf(typed: string): { max: number | null } | null {
  const text = typed.trim()
  if (text === '') return { max: null }
  return /^\d{1,6}$/.test(text) && Number(text) >= 1 && Number(text) <= 100_000 ? { max: Number(text) } : null
}

export const linkOf = (code: string): string => `${location.origin}/join/${code}`
