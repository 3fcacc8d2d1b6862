/** All of the workspace is read, by one key. Notifications of the operating system ring as long as somebody is here. */
import { onBeforeUnmount } from 'vue'
import { useRouter } from 'vue-router'

import { useEntities } from '@/entities/store'
import { useAttention } from '@/features/attention/useAttention'
import { useDesktop } from '@/features/attention/useDesktop'
import { placeOf } from '@/features/attention/useNaming'
import { useReadAll } from '@/features/attention/useReadAll'
import { useAction } from '@/ui/actions'

export function useAttentionKeys(workspaceId: () => string | null): { readAll: () => void } {
  const router = useRouter()
  const entities = useEntities()
  const readEverything = useReadAll()
  const ring = useDesktop(
    (message) => {
      const slug = entities.workspaces.get(message.workspace_id)?.workspace.slug ?? message.workspace_id
      return router.resolve(placeOf(slug, message)).fullPath
    },
    (path) => void router.push(path),
  )

  function readAll(): void {
    const id = workspaceId()
    if (id !== null) void readEverything(id)
  }

  useAction('readAll', readAll)
  onBeforeUnmount(useAttention().onTold(ring))
  return { readAll }
}
