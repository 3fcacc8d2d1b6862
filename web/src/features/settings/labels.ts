/** The texts of what can be chosen, by the value that is stored. */
import type { Clock, Density, EnterKey, Opening, TextSize } from '@/entities/preferences'

import type { SettingsPage } from './pages'

type Labels<Value extends string> = Readonly<Record<Value, string>>

export const PAGE_LABELS: Labels<SettingsPage> = {
  profile: 'settings.page.profile',
  language: 'settings.page.language',
  appearance: 'settings.page.appearance',
  conversations: 'settings.page.conversations',
  notifications: 'settings.page.notifications',
  keyboard: 'settings.page.keyboard',
  sessions: 'settings.page.sessions',
  password: 'settings.page.password',
}

export const CLOCK_LABELS: Labels<Clock> = {
  language: 'settings.clock.language',
  12: 'settings.clock.12',
  24: 'settings.clock.24',
}

export const DENSITY_LABELS: Labels<Density> = {
  standard: 'settings.density.standard',
  compact: 'settings.density.compact',
}

export const DENSITY_HINTS: Labels<Density> = {
  standard: 'settings.densityHint.standard',
  compact: 'settings.densityHint.compact',
}

export const TEXT_SIZE_LABELS: Labels<TextSize> = {
  small: 'settings.textSize.small',
  normal: 'settings.textSize.normal',
  large: 'settings.textSize.large',
  larger: 'settings.textSize.larger',
}

export const ENTER_LABELS: Labels<EnterKey> = {
  send: 'settings.enter.send',
  break: 'settings.enter.break',
  'break-in-code': 'settings.enter.breakInCode',
}

export const ENTER_HINTS: Labels<EnterKey> = {
  send: 'settings.enterHint.send',
  break: 'settings.enterHint.break',
  'break-in-code': 'settings.enterHint.breakInCode',
}

export const OPENING_LABELS: Labels<Opening> = {
  unread: 'settings.opens.unread',
  newest: 'settings.opens.newest',
  'newest-unread': 'settings.opens.newestUnread',
}
