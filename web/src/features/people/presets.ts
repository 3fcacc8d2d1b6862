/** What people often say of themselves, and how long that lasts. */
import type { End } from './ends'

export const PRESETS = [
  { key: 'meeting', emoji: '📅', end: 'hour' },
  { key: 'lunch', emoji: '🥪', end: 'hour' },
  { key: 'focus', emoji: '🎧', end: 'fourHours' },
  { key: 'home', emoji: '🏡', end: 'day' },
  { key: 'sick', emoji: '🤒', end: 'day' },
  { key: 'vacation', emoji: '🌴', end: 'week' },
] as const satisfies readonly { key: string; emoji: string; end: End }[]

export const EMOJI = ['💬', ...PRESETS.map(({ emoji }) => emoji), '☕', '🚲', '✈️', '👶', '🎉', '🔥', '📚', '🌙'] as const
