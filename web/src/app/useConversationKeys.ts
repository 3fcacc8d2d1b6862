/** Alt+Up and Alt+Down go to the previous and next conversation, in the order of the sidebar. */
import { onBeforeUnmount, onMounted } from 'vue'

export function useConversationKeys(): void {
  function onKey(event: KeyboardEvent): void {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (step === undefined) return
    const links = [...document.querySelectorAll<HTMLAnchorElement>('a[data-row]')]
    const at = links.findIndex((link) => link.getAttribute('aria-current') === 'page')
    event.preventDefault()
    links[at + step]?.click()
  }

  onMounted(() => addEventListener('keydown', onKey))
  onBeforeUnmount(() => removeEventListener('keydown', onKey))
}
