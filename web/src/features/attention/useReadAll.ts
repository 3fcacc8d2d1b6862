/** Everything is read, in all channels and threads of a workspace; for ten seconds that can be taken back. */
import { useI18n } from 'vue-i18n'

import type { FormerCursors } from '@/api/attention'
import { attention } from '@/api/attention'
import { asProblem } from '@/api/problem'
import { placeIn } from '@/entities/place'
import { useReadPositions } from '@/entities/readPositions'
import { useEntities } from '@/entities/store'
import { useProblemText } from '@/locales/problemText'
import { toast } from '@/ui/toasts'

const UNDO_MS = 10_000

export function useReadAll(): (workspaceId: string) => Promise<void> {
  const { t } = useI18n()
  const { text } = useProblemText()
  const entities = useEntities()
  const positions = useReadPositions()

  function undo({ channels, threads }: FormerCursors): void {
    for (const { channel_id: channelId, read_seq: seq } of channels) positions.unreadAfter(channelId, seq)
    for (const { thread_id: threadId, channel_id: channelId, read_seq: seq } of threads) {
      positions.unreadAfter(placeIn(channelId, threadId), seq)
    }
  }

  return async (workspaceId) => {
    try {
      // What was read here already is not to come back.
      await positions.flush()
      const former = await attention.readAll(workspaceId)
      const places = [
        ...former.channels.map((cursor) => cursor.channel_id),
        ...former.threads.map((cursor) => placeIn(cursor.channel_id, cursor.thread_id)),
      ]
      for (const place of places) entities.held.delete(place)
      toast(t('attention.allRead'), { action: { label: t('attention.undo'), run: () => undo(former) }, ms: UNDO_MS })
    } catch (error) {
      toast(text(asProblem(error)))
    }
  }
}
