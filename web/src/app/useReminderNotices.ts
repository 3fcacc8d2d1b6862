/** A reminder whose time has come is told at the bottom, with what it is about, and leads there. */
import { onBeforeUnmount } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'

import { messages } from '@/api/endpoints'
import type { Reminder } from '@/api/marks'
import { Problem } from '@/api/problem'
import { saidIn } from '@/entities/quoteText'
import { useLine } from '@/ui/markdown/useLine'
import { toast } from '@/ui/toasts'

import { useLive } from './live'

const SHOWN_MS = 20_000
/** Of what it is about. */
const SHOWN = 150

export function useReminderNotices(slug: () => string): void {
  const { t } = useI18n()
  const router = useRouter()
  const line = useLine()

  async function tell({ message_id: message, channel_id: channel }: Reminder, there: boolean): Promise<void> {
    const about = there ? await textOf(message) : ''
    const to = there
      ? { name: 'channel', params: { workspace: slug(), channel, m: 'm', message } }
      : { name: 'saved', params: { workspace: slug() }, query: { tab: 'reminders' } }
    toast(about === '' ? t('later.remindPlain') : t('later.remindAbout', { text: about }), {
      action: { label: t('later.show'), run: () => void router.push(to) },
      ms: SHOWN_MS,
    })
  }

  /** Empty when it cannot be had: the reminder is told all the same. */
  async function textOf(id: string): Promise<string> {
    try {
      return await line.soon(saidIn((await messages.get(id)).message), SHOWN)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return ''
    }
  }

  onBeforeUnmount(
    useLive().onEvent((event) => {
      if (event.type === 'reminder.due') void tell(event.data.reminder, event.data.subject === 'there')
    }),
  )
}
