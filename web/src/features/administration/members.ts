/** Who may be given which role by whom, and whom a deed may be done to. Pure; the server decides. */
import type { Role, User } from '@/api/types'
import { compareRoles, may, outranks, ROLES } from '@/entities/permissions'
import type { Entities, WorkspaceEntry } from '@/entities/store'

export interface MemberEntry {
  user: User
  role: Role
}

/** The people of a workspace whose profiles are here, the bot aside. */
export function membersOf(entities: Entities, workspaceId: string): MemberEntry[] {
  return [...(entities.members.get(workspaceId) ?? [])].flatMap(([id, role]) => {
    const user = entities.users.get(id)
    return user?.kind === 'person' ? [{ user, role }] : []
  })
}

export interface Asked extends MemberEntry {
  mine: boolean
  /** Nobody else is owner. */
  lastOwner: boolean
}

/** The roles that I may give somebody, their own included; that one alone when there is nothing to choose. */
export function givableRoles(home: WorkspaceEntry, { role, mine, lastOwner }: Asked): Role[] {
  if (lastOwner) return [role]
  if (home.role === 'owner') return [...ROLES].reverse()
  const below = mine || outranks(home.role, role)
  if (!may(home, 'manage_roles') || !below) return [role]
  return ROLES.filter((one) => compareRoles(one, home.role) <= 0).reverse()
}

export const MEMBER_DEEDS = ['mute', 'ban', 'deactivate', 'remove'] as const
export type MemberDeed = (typeof MEMBER_DEEDS)[number]

const NEEDS = {
  mute: 'mute_members', ban: 'ban_members', deactivate: 'deactivate_members', remove: 'remove_members',
} as const

/** Only against who stands below, so never against oneself. */
export function deedsAgainst(home: WorkspaceEntry, { role, mine }: Asked): MemberDeed[] {
  if (mine || !outranks(home.role, role)) return []
  return MEMBER_DEEDS.filter((deed) => may(home, NEEDS[deed]))
}

export function matching(people: readonly MemberEntry[], words: string, role: Role | 'all'): MemberEntry[] {
  const wanted = words.trim().toLocaleLowerCase()
  return people.filter(
    (one) =>
      (role === 'all' || one.role === role) &&
      `${one.user.display_name} ${one.user.username}`.toLocaleLowerCase().includes(wanted),
  )
}
