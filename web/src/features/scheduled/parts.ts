/** What the first screen does without: see ui/later.ts. */
import { later } from '@/ui/later'

export const ScheduleDialog = later(() => import('./ScheduleDialog.vue'))
