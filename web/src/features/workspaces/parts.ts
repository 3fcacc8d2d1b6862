/** What the first screen does without: see ui/later.ts. */
import { later } from '@/ui/later'

export const InviteDialog = later(() => import('./InviteDialog.vue'))
export const LeaveWorkspaceDialog = later(() => import('./LeaveWorkspaceDialog.vue'))
