/**
 * The parts of the page that F6 goes through, in the order that people know from elsewhere. A part says its name
 * (`data-region`); coming back to one leads to where the focus was in it.
 */
import { onBeforeUnmount, onMounted } from 'vue'

import { useAction } from '@/ui/actions'

const ORDER = ['messages', 'composer', 'panel', 'panelComposer', 'rail', 'sidebar', 'header', 'search']
/** What takes the focus first where it has not been yet. */
const FIRST = ['[aria-current="page"]', '[data-key][tabindex="0"]', 'textarea, input', 'a[href], button, [tabindex="0"]']

const last = new WeakMap<Element, HTMLElement>()

const isSeen = (element: Element | undefined): boolean =>
  element !== undefined && element.isConnected && element.checkVisibility({ visibilityProperty: true })

function regions(): HTMLElement[] {
  const there = ORDER.map((name) => document.querySelector<HTMLElement>(`[data-region="${name}"]`))
  return there.filter((region) => region !== null).filter(isSeen)
}

function startOf(region: HTMLElement): HTMLElement {
  const before = last.get(region)
  if (before !== undefined && isSeen(before)) return before
  for (const selector of FIRST) {
    const found = [...region.querySelectorAll<HTMLElement>(selector)].find(isSeen)
    if (found !== undefined) return found
  }
  region.tabIndex = -1
  return region
}

function move(step: 1 | -1): void {
  const all = regions()
  const at = all.findIndex((region) => region.contains(document.activeElement))
  const next = at < 0 && step < 0 ? all.length - 1 : (at + step + all.length) % all.length
  const region = all[next]
  if (region !== undefined) startOf(region).focus()
}

export function useRegions(): void {
  function onFocus(event: FocusEvent): void {
    const region = (event.target as HTMLElement).closest('[data-region]')
    if (region !== null) last.set(region, event.target as HTMLElement)
  }

  onMounted(() => document.addEventListener('focusin', onFocus))
  onBeforeUnmount(() => document.removeEventListener('focusin', onFocus))
  useAction('nextRegion', () => move(1))
  useAction('previousRegion', () => move(-1))
}
