/** What the log-in page does without until it stands there: see ui/later.ts. */
import { later } from '@/ui/later'

export const UiSelect = later(() => import('@/ui/UiSelect.vue'))
