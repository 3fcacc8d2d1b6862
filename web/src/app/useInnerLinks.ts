/** Links inside rendered text that lead to a place of this site are followed in this page. */
import { useRouter } from 'vue-router'

export function useInnerLinks(again: () => void): (event: MouseEvent) => void {
  const router = useRouter()
  return (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    const link = (event.target as Element).closest<HTMLAnchorElement>('.prose a[href]')
    if (link === null || link.origin !== location.origin || !link.pathname.startsWith('/w/')) return
    event.preventDefault()
    const path = link.pathname + link.search
    // The same place once more is no navigation: the message is shown again.
    if (path === router.currentRoute.value.fullPath) again()
    else void router.push(path)
  }
}
