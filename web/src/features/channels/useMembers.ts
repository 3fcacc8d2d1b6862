/** The people of a channel, page by page. Looking for somebody loads the rest: the server does not search among them. */
import type { ComputedRef, Ref } from 'vue'
import { computed, ref, shallowRef, watch } from 'vue'

import { channels } from '@/api/endpoints'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import type { ChannelMember } from '@/api/types'
import { byName } from '@/entities/naming'
import { useEntities } from '@/entities/store'

export interface Members {
  readonly all: Readonly<Ref<readonly ChannelMember[]>>
  readonly shown: ComputedRef<readonly ChannelMember[]>
  readonly sought: Ref<string>
  readonly loading: Readonly<Ref<boolean>>
  readonly problem: Readonly<Ref<Problem | null>>
  readonly hasMore: ComputedRef<boolean>
  more: () => Promise<void>
  reload: () => Promise<void>
  /** Somebody's place is another now, or none. */
  set: (userId: string, member: ChannelMember | null) => void
}

/** As many as are drawn; whoever looks for one of more finds them by name. */
const DRAWN = 200

export function useMembers(channelId: () => string, count: () => number, locale: () => string): Members {
  const entities = useEntities()
  const all = shallowRef<readonly ChannelMember[]>([])
  const next = ref<string | null>(null)
  const sought = ref('')
  const loading = ref(false)
  const problem = shallowRef<Problem | null>(null)
  /** What an older question still answers is passed over. */
  let question = 0

  async function load(from: string | null, all_: boolean): Promise<void> {
    const mine = ++question
    loading.value = true
    problem.value = null
    try {
      for (let cursor = from, first = true; first || (all_ && cursor !== null); first = false) {
        const page = await channels.members(channelId(), cursor)
        if (mine !== question) return
        for (const member of page.items) entities.setUser(member.user)
        all.value = cursor === null ? page.items : [...all.value, ...page.items]
        next.value = cursor = page.next
      }
    } catch (error) {
      if (mine === question) problem.value = asProblem(error)
    } finally {
      if (mine === question) loading.value = false
    }
  }

  const reload = (): Promise<void> => load(null, sought.value.trim() !== '')
  const more = (): Promise<void> => load(next.value, false)
  // People come and go while they are looked at.
  watch([channelId, count], () => void reload(), { immediate: true })
  watch(sought, (now) => {
    if (now.trim() !== '' && next.value !== null && !loading.value) void load(next.value, true)
  })

  const shown = computed(() => {
    const wanted = sought.value.trim().toLocaleLowerCase()
    const name = ({ user }: ChannelMember): string => entities.users.get(user.id)?.display_name ?? user.display_name
    return all.value
      .filter((member) => `${name(member)} ${member.user.username}`.toLocaleLowerCase().includes(wanted))
      .sort(byName(name, locale()))
      .slice(0, DRAWN)
  })

  function set(userId: string, member: ChannelMember | null): void {
    all.value = all.value.flatMap((one) => (one.user.id !== userId ? [one] : member === null ? [] : [member]))
  }

  return { all, shown, sought, loading, problem, hasMore: computed(() => next.value !== null), more, reload, set }
}
