/** What the server does not want so is as it was before; here it is said why. */
import { nextTick, onScopeDispose } from 'vue'
import { useI18n } from 'vue-i18n'

import { useWishes } from '@/entities/wishQueue'
import { useProblemText } from '@/locales/problemText'
import { toast } from '@/ui/toasts'

import { notDone } from './wishTexts'

export function useRefusals(): void {
  const { t } = useI18n()
  const { text } = useProblemText()
  const stop = useWishes().onSettled(async (wish, { problem }) => {
    if (problem === null) return
    await nextTick()
    // Below its message a text says so itself.
    if (document.querySelector(`[data-wish="${wish.id}"]`) === null) toast(`${t(notDone(wish), { emoji: wish.emoji })} ${text(problem)}`)
  })
  onScopeDispose(stop)
}
