import type { User } from '@/api/types'
import type { Entities } from '@/entities/store'

/** The active members of a workspace whose profiles are here. */
export function workspacePeople(entities: Entities, workspaceId: string, withMe: boolean): User[] {
  return [...(entities.members.get(workspaceId)?.keys() ?? [])]
    .map((id) => entities.users.get(id))
    .filter((user): user is User => user !== undefined && user.deactivated_at === null)
    .filter((user) => withMe || user.id !== entities.myId)
}
