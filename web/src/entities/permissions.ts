/** What a role may in a workspace, as far as the page must know it to offer no more. The server decides. Pure. */
import type { Role } from '@/api/types'

import type { WorkspaceEntry } from './store'

/** The weakest first. */
export const ROLES: readonly Role[] = ['guest', 'member', 'moderator', 'admin', 'owner']

/** The least role that has each, unless the workspace says otherwise. */
export const DEFAULTS = {
  create_public_channel: 'member',
  create_private_channel: 'member',
  manage_channels: 'admin',
  archive_channels: 'admin',
  delete_channels: 'admin',
  invite_members: 'admin',
  invite_guests: 'admin',
  manage_roles: 'admin',
  remove_members: 'admin',
  deactivate_members: 'admin',
  delete_messages: 'moderator',
  pin_messages: 'guest',
  mention_everyone: 'guest',
  kick_members: 'moderator',
  ban_members: 'moderator',
  mute_members: 'moderator',
  set_slow_mode: 'moderator',
  review_reports: 'moderator',
  view_audit: 'admin',
  manage_permissions: 'admin',
  manage_workspace: 'admin',
} as const satisfies Record<string, Role>

export type Permission = keyof typeof DEFAULTS

/** Negative when the first is weaker. */
export const compareRoles = (one: Role, other: Role): number => ROLES.indexOf(one) - ROLES.indexOf(other)
export const outranks = (one: Role, other: Role): boolean => compareRoles(one, other) > 0

/** The least role that has it there. */
export function leastRole(home: WorkspaceEntry, permission: Permission): Role {
  return home.workspace.permissions?.[permission] ?? DEFAULTS[permission]
}

/** Whether I may, by my role in the workspace. Of nothing that is not here, nothing. */
export function may(home: WorkspaceEntry | undefined, ...any: Permission[]): boolean {
  return home !== undefined && any.some((permission) => compareRoles(home.role, leastRole(home, permission)) >= 0)
}
