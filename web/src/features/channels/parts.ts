/** What the first screen does without: see ui/later.ts. */
import { later } from '@/ui/later'

export const BrowseChannelsDialog = later(() => import('./BrowseChannelsDialog.vue'))
export const ConfirmDialog = later(() => import('@/locales/ConfirmDialog.vue'))
export const CreateChannelDialog = later(() => import('./CreateChannelDialog.vue'))
export const MoveDialog = later(() => import('./MoveDialog.vue'))
export const NewMessageDialog = later(() => import('./NewMessageDialog.vue'))
export const SectionDialog = later(() => import('./SectionDialog.vue'))
