/**
 * A few channels and messages that show what a workspace looks like when people talk in it, each marked as an example.
 * They are made by the page through the ordinary addresses, in the name of whoever asks for them; the bot answers one
 * question in its own. Nothing here needs a right that a person does not have.
 */
import { ai, channels, messages } from '@/api/endpoints'
import { uuidv7 } from '@/api/ids'
import { beginSpan } from '@/api/trace'
import type { Channel } from '@/api/types'

/** Which texts are said where; `reply` is said in the thread of what stands before it. */
export const EXAMPLES = [
  { channel: 'launch', said: [{ text: 'intro', reactions: ['👋'] }, { text: 'plan', reactions: ['👍', '🎉'] }, { text: 'answer', reply: true }, { text: 'list', reactions: [] }] },
  { channel: 'ideas', said: [{ text: 'idea', reactions: ['💡'] }, { text: 'code', reactions: [] }] },
] as const

type Text = (key: string) => string

export async function makeExamples(workspaceId: string, text: Text): Promise<Channel[]> {
  const made: Channel[] = []
  for (const example of EXAMPLES) {
    const wish = {
      kind: 'public' as const,
      name: text(`${example.channel}.name`),
      topic: text('topic'),
      purpose: '',
    }
    const channel = await channels.create(workspaceId, wish, uuidv7())
    made.push(channel)
    await talk(channel.id, example.said, text)
  }
  await ask(made[0], text)
  return made
}

interface Said {
  text: string
  reactions?: readonly string[]
  reply?: boolean
}

async function talk(channelId: string, said: readonly Said[], text: Text): Promise<void> {
  let last: string | null = null
  for (const { text: key, reactions = [], reply = false } of said) {
    const thread: { thread_id?: string } = reply && last !== null ? { thread_id: last } : {}
    const body = { text: text(key), client_msg_id: uuidv7(), also_in_channel: false, ...thread }
    const { message } = await messages.send(channelId, body, beginSpan('send message'))
    for (const emoji of reactions) await messages.react(message.id, emoji)
    if (!reply) last = message.id
  }
}

/** The answer comes when it comes; an installation without a model has none. */
async function ask(channel: Channel | undefined, text: Text): Promise<void> {
  if (channel === undefined) return
  try {
    await ai.command(channel.id, { text: `/ask ${text('question')}` }, uuidv7(), beginSpan('send command'))
  } catch {
    // Examples are complete without it.
  }
}
