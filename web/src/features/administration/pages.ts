/** The pages of a workspace's settings, and who is offered which. Pure. */
import type { Permission } from '@/entities/permissions'
import { compareRoles, may } from '@/entities/permissions'
import type { WorkspaceEntry } from '@/entities/store'

export const PAGES = ['general', 'members', 'permissions', 'invites', 'channels', 'moderation', 'audit', 'ai'] as const
export type SettingsPage = (typeof PAGES)[number]

/** Any of these opens the page; what it offers depends on each. */
const NEEDS: Record<Exclude<SettingsPage, 'ai'>, readonly Permission[]> = {
  general: ['manage_workspace'],
  members: ['manage_roles', 'remove_members', 'deactivate_members', 'ban_members', 'mute_members'],
  permissions: ['manage_permissions'],
  invites: ['invite_members', 'invite_guests'],
  channels: ['manage_channels', 'archive_channels', 'delete_channels'],
  moderation: ['review_reports', 'mute_members', 'ban_members'],
  audit: ['view_audit'],
}

export function pagesFor(home: WorkspaceEntry | undefined): SettingsPage[] {
  if (home === undefined || home.role === 'guest') return []
  // The budget is no permission of the table: admins and owners have it.
  return PAGES.filter((page) => (page === 'ai' ? compareRoles(home.role, 'admin') >= 0 : may(home, ...NEEDS[page])))
}
