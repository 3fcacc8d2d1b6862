/** How wide the columns are, in px; remembered in this browser. */
import { remembered } from '@/ui/remembered'

export const SIDEBAR = { min: 220, max: 320 } as const
export const PANEL = { min: 360, max: 480 } as const

export const sidebarWidth = remembered('tertulia.width.sidebar', 260)
export const panelWidth = remembered('tertulia.width.panel', 400)
