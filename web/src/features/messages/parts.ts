/** What the first screen does without: see ui/later.ts. */
import { later } from '@/ui/later'

export const AudienceDialog = later(() => import('./AudienceDialog.vue'))
export const EmojiPicker = later(() => import('./EmojiPicker.vue'))
export const QuietNotice = later(() => import('./QuietNotice.vue'))
export const JumpDialog = later(() => import('./JumpDialog.vue'))
