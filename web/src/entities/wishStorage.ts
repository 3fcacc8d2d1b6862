/** Wishes on disk. Not in the outbox's database: pages of an older version may have that open. */
import { onDisk } from '@/api/onDisk'

import type { Wish } from './wishes'

export const wishStorage = onDisk<Wish>('tertulia.wishes', 'wishes')
