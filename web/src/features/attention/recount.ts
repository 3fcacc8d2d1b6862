/** Numbers from the server, where events alone cannot tell: after a hole in a channel was closed, and at "or more". */
import { attention } from '@/api/attention'
import { asProblem } from '@/api/problem'
import { useEntities } from '@/entities/store'

export async function recount(workspaceId: string): Promise<void> {
  const entities = useEntities()
  const mine = [...entities.channels.values()].filter((entry) => entry.joined && entry.channel.workspace_id === workspaceId)
  const before = new Map(mine.map((entry) => [entry.channel.id, entry]))
  try {
    const { channels } = await attention.unread(workspaceId)
    const told = new Map(channels.map((one) => [one.channel_id, one]))
    for (const [id, then] of before) {
      const now = entities.channels.get(id)
      const news = told.get(id)
      // What was counted or read since the question is not in the answer: the next one is as good.
      if (now === undefined || entities.readWishes.has(id) || now.knownSeq > (news?.last_seq ?? then.knownSeq)) continue
      const { unread, mentions, read_seq: readSeq, last_seq: countedSeq } = news ?? { ...now, unread: 0, mentions: 0, read_seq: now.readSeq, last_seq: now.knownSeq }
      entities.setCursor(id, { unread, mentions, readSeq, countedSeq })
    }
  } catch (error) {
    // The numbers stay as they were counted here, until the next snapshot.
    asProblem(error)
  }
}
