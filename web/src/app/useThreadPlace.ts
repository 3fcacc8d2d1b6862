/**
 * The thread that the address opens beside the channel. While it is open the channel stays where it was, at a message
 * that a link led to also; closing leads back there, and the focus to the message that the thread is about.
 */
import type { Ref } from 'vue'
import { nextTick, ref, watch } from 'vue'
import { useRouter } from 'vue-router'

interface Address {
  workspace: string
  channel: string
  message?: string | undefined
  thread?: string | undefined
}

interface Surroundings {
  /** The thread's first message, once it is known. */
  rootId: () => string | null
  /** Gives the focus to a message of the channel. */
  focus: (messageId: string) => void
}

export function useThreadPlace(address: Readonly<Address>, { rootId, focus }: Surroundings) {
  const router = useRouter()
  /** The message of the channel that was asked for last. */
  const target: Ref<string | null> = ref(null)
  /** What was open, for when it is closed by going back. */
  let opened: string | null = null

  watch(
    () => [address.thread, address.message] as const,
    async ([thread, message], before) => {
      if (thread === undefined) target.value = message || null
      if (thread !== undefined || before?.[0] === undefined || opened === null) return
      const root = opened
      opened = null
      await nextTick()
      // Not when somebody has gone on elsewhere in the page.
      if (document.activeElement === null || document.activeElement === document.body) focus(root)
    },
    { immediate: true },
  )
  watch(rootId, (id) => (opened = id ?? opened))

  function show(messageId: string): void {
    const { workspace, channel } = address
    void router.push({ name: 'thread', params: { workspace, channel, thread: messageId } })
  }

  /** A link led to a reply: its thread takes the place of the channel's address. */
  function showInstead(messageId: string): void {
    const { workspace, channel } = address
    void router.replace({ name: 'thread', params: { workspace, channel, thread: messageId } })
  }

  function close(): void {
    const { workspace, channel } = address
    const at = target.value === null ? {} : { m: 'm', message: target.value }
    void router.push({ name: 'channel', params: { workspace, channel, ...at } })
  }

  return { target, show, showInstead, close }
}
