/** What can be set, in the order in which it is offered; `/settings/{page}`. */
import type { LucideIcon } from '@lucide/vue'
import { Bell, KeyRound, Keyboard, Languages, MessagesSquare, MonitorSmartphone, Palette, UserRound } from '@lucide/vue'

export const SETTINGS_PAGES = [
  'profile', 'language', 'appearance', 'conversations', 'notifications', 'keyboard', 'sessions', 'password',
] as const
export type SettingsPage = (typeof SETTINGS_PAGES)[number]

export const PAGE_ICONS: Readonly<Record<SettingsPage, LucideIcon>> = {
  profile: UserRound,
  language: Languages,
  appearance: Palette,
  conversations: MessagesSquare,
  notifications: Bell,
  keyboard: Keyboard,
  sessions: MonitorSmartphone,
  password: KeyRound,
}
