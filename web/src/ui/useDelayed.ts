/** True only after `source` has been true for a while: quick answers never flash a skeleton. */
import type { Ref, WatchSource } from 'vue'
import { onScopeDispose, readonly, ref, watch } from 'vue'

export function useDelayed(source: WatchSource<boolean>, ms = 300): Readonly<Ref<boolean>> {
  const shown = ref(false)
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(
    source,
    (active) => {
      clearTimeout(timer)
      if (active) timer = setTimeout(() => (shown.value = true), ms)
      else shown.value = false
    },
    { immediate: true },
  )
  onScopeDispose(() => clearTimeout(timer))
  return readonly(shown)
}
