/** The table of permissions as switches: a role has what it, or a weaker one, was given. Pure; the server decides. */
import type { PermissionTable } from '@/api/administration'
import type { Role } from '@/api/types'
import type { Permission } from '@/entities/permissions'
import { compareRoles, ROLES } from '@/entities/permissions'

export const COLUMNS: readonly Role[] = [...ROLES].reverse()

export const GROUPS: readonly { name: string; permissions: readonly Permission[] }[] = [
  { name: 'channels', permissions: ['create_public_channel', 'create_private_channel', 'manage_channels', 'archive_channels', 'delete_channels'] },
  { name: 'people', permissions: ['invite_members', 'invite_guests', 'manage_roles', 'deactivate_members', 'remove_members'] },
  { name: 'messages', permissions: ['pin_messages', 'mention_everyone', 'delete_messages'] },
  { name: 'moderation', permissions: ['review_reports', 'kick_members', 'mute_members', 'ban_members', 'set_slow_mode'] },
  { name: 'workspace', permissions: ['manage_workspace', 'manage_permissions', 'view_audit'] },
]

/** What differs from the table as the server has it. */
export type Changes = ReadonlyMap<Permission, Role>

export interface Cell {
  on: boolean
  /** Not mine to change, or nobody's. */
  fixed: boolean
}

const WEAKEST: Role = 'guest'

export function leastOf(table: PermissionTable, changes: Changes, permission: Permission): Role {
  return changes.get(permission) ?? table.permissions[permission] ?? 'owner'
}

export function cellOf(table: PermissionTable, changes: Changes, mine: Role, permission: Permission, role: Role): Cell {
  const on = compareRoles(role, leastOf(table, changes, permission)) >= 0
  const beyondReach = compareRoles(role, table.lowest[permission] ?? WEAKEST) < 0
  // Who is no owner changes only what they hold, and sets nothing above themselves: taking it from their own role would.
  const aboveMe = mine !== 'owner' && (!table.mine.includes(permission) || compareRoles(role, mine) >= 0)
  return { on, fixed: role === 'owner' || beyondReach || aboveMe }
}

/** The changes with one switch turned; a switch that is turned back is no change. */
export function turned(table: PermissionTable, changes: Changes, permission: Permission, role: Role): Changes {
  const on = compareRoles(role, leastOf(table, changes, permission)) >= 0
  const least = on ? (ROLES[ROLES.indexOf(role) + 1] ?? 'owner') : role
  const after = new Map(changes)
  if (least === table.permissions[permission]) after.delete(permission)
  else after.set(permission, least)
  return after
}

/** The whole table, as it is put: others may have changed other rows meanwhile. */
export function withChanges(table: PermissionTable, changes: Changes): Record<string, Role> {
  return { ...table.permissions, ...Object.fromEntries(changes) }
}
