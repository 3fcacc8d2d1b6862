/** Asks the server for what somebody wants of a message. All of it can be asked for twice. */
import { messages } from '@/api/endpoints'
import { changes, pins, saved } from '@/api/marks'
import { Problem } from '@/api/problem'
import type { Message } from '@/api/types'

import { applyChange, applyMyReaction, applyPin, applyPresent } from './apply'
import type { Entities } from './store'
import type { Wish } from './wishes'

/** The message as the server has it then, where it says so. `late`: it had to wait. Throws a Problem. */
export async function fulfil(store: Entities, wish: Wish, late: boolean): Promise<Message | null> {
  const { kind, messageId: id, channelId, emoji = '', wanted } = wish
  if (kind === 'text') return rewrite(store, wish, late)
  if (kind === 'saved') {
    await (wanted === true ? saved.save(id) : saved.unsave(id))
    return null
  }
  if (kind === 'reaction') {
    const { message } = await (wanted === true ? messages.react(id, emoji) : messages.takeBack(id, emoji))
    applyMyReaction(store, { id, channel_id: channelId }, emoji, wanted === true)
    return message
  }
  if (kind === 'pinned') {
    const { message } = await (wanted === true ? pins.pin(id) : pins.unpin(id))
    applyPin(store, message)
    return message
  }
  const { message } = await (wanted === true ? changes.remove(id, wish.reason ?? '') : changes.restore(id))
  if (wanted === true) applyChange(store, message)
  else applyPresent(store, message)
  return message
}

/** Two devices may change the same message: what the other one wrote is not overwritten unseen. */
async function rewrite(store: Entities, { messageId: id, wanted, had, anyway }: Wish, late: boolean): Promise<Message> {
  const text = String(wanted)
  if (late && anyway !== true) {
    const { message } = await messages.get(id)
    applyPresent(store, message)
    if (message.deleted_at === null && message.text === text) return message
    if (message.deleted_at === null && message.text !== had) throw new Problem(409, 'edited_elsewhere', '')
  }
  const { message } = await messages.edit(id, text)
  applyChange(store, message)
  return message
}
