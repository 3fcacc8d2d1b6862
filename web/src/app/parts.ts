/** What the first screen does without: see ui/later.ts. */
import { later } from '@/ui/later'

export const ChannelGoverning = later(() => import('@/features/administration/ChannelGoverning.vue'))
export const ChannelNotifications = later(() => import('@/features/attention/ChannelNotifications.vue'))
export const ChannelPanel = later(() => import('@/features/channels/ChannelPanel.vue'))
export const CommandPalette = later(() => import('@/features/palette/CommandPalette.vue'))
export const DeleteDialog = later(() => import('@/features/messages/DeleteDialog.vue'))
export const FirstSteps = later(() => import('@/features/welcome/FirstSteps.vue'))
export const ForwardDialog = later(() => import('@/features/forwarding/ForwardDialog.vue'))
export const HelpSheet = later(() => import('@/features/keyboard/HelpSheet.vue'))
export const HistoryDialog = later(() => import('@/features/history/HistoryDialog.vue'))
export const LogoutDialog = later(() => import('./LogoutDialog.vue'))
export const PinsPanel = later(() => import('@/features/pins/PinsPanel.vue'))
export const ProfileCard = later(() => import('@/features/people/ProfileCard.vue'))
export const RemindDialog = later(() => import('@/features/saved/RemindDialog.vue'))
export const ReportDialog = later(() => import('@/features/reporting/ReportDialog.vue'))
export const StatusDialog = later(() => import('@/features/people/StatusDialog.vue'))
export const UiCheckbox = later(() => import('@/ui/UiCheckbox.vue'))
