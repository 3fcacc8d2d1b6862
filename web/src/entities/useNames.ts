/** Who is meant by the names in texts of a workspace, and the other way round. */
import type { KnownNames, NamesOfIds } from './mentions'
import { withIds, withNames } from './mentions'
import { isDirect } from './naming'
import { useEntities } from './store'

export interface TextNames extends KnownNames {
  /** What somebody wrote in a field, as the server keeps it. */
  readonly toSend: (text: string) => string
  /** What the server keeps, as people read and write it. */
  readonly toEdit: (text: string) => string
}

export function useNames(workspaceId: () => string): TextNames {
  const entities = useEntities()

  function person(username: string): string | null {
    const members = entities.members.get(workspaceId())
    for (const id of members?.keys() ?? []) if (entities.users.get(id)?.username.toLowerCase() === username) return id
    return null
  }

  function channel(name: string): string | null {
    for (const { channel } of entities.channels.values()) {
      if (channel.workspace_id === workspaceId() && !isDirect(channel) && channel.name?.toLowerCase() === name) return channel.id
    }
    return null
  }

  const ofIds: NamesOfIds = {
    username: (id) => entities.users.get(id)?.username ?? null,
    channel: (id) => entities.channels.get(id)?.channel.name ?? null,
  }
  return {
    person,
    channel,
    toSend: (text) => withIds(text, { person, channel }),
    toEdit: (text) => withNames(text, ofIds),
  }
}
