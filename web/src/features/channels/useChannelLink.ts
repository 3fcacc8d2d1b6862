/** The address of a channel, which survives a rename; copied with a word of it. */
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'

import { copyText } from '@/ui/clipboard'
import { toast } from '@/ui/toasts'

export function useChannelLink(slug: () => string): { copy: (channelId: string) => Promise<void> } {
  const { t } = useI18n()
  const router = useRouter()
  return {
    async copy(channelId) {
      const { href } = router.resolve({ name: 'channel', params: { workspace: slug(), channel: channelId } })
      if (await copyText(location.origin + href)) toast(t('common.copied'))
    },
  }
}
