/** The outbox on disk. */
import { onDisk } from '@/api/onDisk'

import type { Pending } from './delivery'

export const outboxStorage = onDisk<Pending>('tertulia', 'outbox')
