/** What the page of saved messages shows: fetched anew whenever something of it changes, here or on another device. */
import { computed, ref, shallowRef, watch } from 'vue'

import type { ListedReminder, SavedMessage } from '@/api/marks'
import { reminders as reminderApi, saved as savedApi } from '@/api/marks'
import type { Problem } from '@/api/problem'
import { asProblem } from '@/api/problem'
import { useWishes } from '@/entities/wishQueue'

import { inOrder, useSaved } from './store'

const PAGE = 50

export function useSavedLists(workspaceId: () => string) {
  const store = useSaved()
  const wishes = useWishes()
  const messages = shallowRef<readonly SavedMessage[] | null>(null)
  const reminders = shallowRef<readonly ListedReminder[] | null>(null)
  const next = ref<string | null>(null)
  const loading = ref(false)
  const problem = shallowRef<Problem | null>(null)
  /** Only the newest answer counts. */
  let asked = 0

  async function load(): Promise<void> {
    const mine = ++asked
    loading.value = true
    problem.value = null
    try {
      const shown = Math.max(PAGE, messages.value?.length ?? 0)
      const [saved, open] = await Promise.all([
        savedApi.list(workspaceId(), null, Math.min(shown, 200)),
        reminderApi.list(workspaceId(), 'open', null),
      ])
      if (mine !== asked) return
      messages.value = saved.items
      next.value = saved.next
      reminders.value = inOrder(open.items)
    } catch (error) {
      if (mine === asked) problem.value = asProblem(error)
    } finally {
      if (mine === asked) loading.value = false
    }
  }

  async function more(): Promise<void> {
    const mine = ++asked
    loading.value = true
    try {
      const page = await savedApi.list(workspaceId(), next.value, PAGE)
      if (mine !== asked) return
      messages.value = [...(messages.value ?? []), ...page.items]
      next.value = page.next
    } catch (error) {
      if (mine === asked) problem.value = asProblem(error)
    } finally {
      if (mine === asked) loading.value = false
    }
  }

  watch([workspaceId, () => store.changes], load, { immediate: true })
  const shown = computed(() => messages.value?.filter(({ message }) => wishes.wanted(message.id, 'saved') !== false) ?? null)
  return { messages: shown, reminders, next, loading, problem, load, more }
}
