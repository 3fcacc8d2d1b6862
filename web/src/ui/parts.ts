/** What the first screen does without: see ui/later.ts. */
import { later } from './later'

export const MenuLayer = later(() => import('./MenuLayer.vue'))
export const TooltipLayer = later(() => import('./TooltipLayer.vue'))
