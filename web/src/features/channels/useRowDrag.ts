/** Dragging rows and sections of the sidebar with the mouse. The menus do the same without one. */
import { computed, ref } from 'vue'

import type { SidebarSections } from './useSections'

interface Dragged {
  readonly kind: 'row' | 'section'
  readonly id: string
}

/** Where it would fall: before a row of a section (null: at its end), or before a section. */
interface Target {
  readonly section: string
  readonly before: string | null
}

export function useRowDrag(sections: SidebarSections) {
  const dragged = ref<Dragged | null>(null)
  const target = ref<Target | null>(null)

  function start(event: DragEvent, kind: Dragged['kind'], id: string): void {
    event.stopPropagation()
    dragged.value = { kind, id }
    if (event.dataTransfer !== null) {
      event.dataTransfer.effectAllowed = 'move'
      // Firefox drags nothing without data.
      event.dataTransfer.setData('application/x-tertulia-row', id)
    }
  }

  function isUpperHalf(event: DragEvent): boolean {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return event.clientY < box.top + box.height / 2
  }

  function aim(event: DragEvent, next: Target): void {
    event.preventDefault()
    event.stopPropagation()
    target.value = next
  }

  function overRow(event: DragEvent, section: string, id: string): void {
    if (dragged.value?.kind !== 'row') return
    const ids = idsOf(section)
    aim(event, { section, before: isUpperHalf(event) ? id : (ids[ids.indexOf(id) + 1] ?? null) })
  }

  /** A row falls to the section's beginning; a section before this one, or behind it. */
  function overSection(event: DragEvent, section: string): void {
    if (dragged.value?.kind === 'row') return aim(event, { section, before: idsOf(section)[0] ?? null })
    if (dragged.value === null) return
    const all = sections.list.value.map((one) => one.section.id)
    const before = isUpperHalf(event) ? section : (all[all.indexOf(section) + 1] ?? null)
    aim(event, { section: before ?? '', before })
  }

  function idsOf(section: string): readonly string[] {
    return sections.list.value.find((one) => one.section.id === section)?.items.map(({ id }) => id) ?? []
  }

  function drop(event: DragEvent): void {
    const [what, where] = [dragged.value, target.value]
    end()
    if (what === null || where === null) return
    event.preventDefault()
    if (what.kind === 'row') sections.place(what.id, where.section, where.before)
    else sections.moveSection(what.id, where.before)
  }

  function end(): void {
    dragged.value = target.value = null
  }

  const rowTarget = computed(() => (dragged.value?.kind === 'row' ? target.value : null))
  const sectionTarget = computed(() => (dragged.value?.kind === 'section' ? target.value : null))
  return { rowTarget, sectionTarget, start, overRow, overSection, drop, end }
}
