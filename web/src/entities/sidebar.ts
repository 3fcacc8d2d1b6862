/**
 * The sections of a sidebar: what stands where, and what becomes of it. Pure. A change is a function of the sections, so it
 * can be made again on what another device has arranged meanwhile; making it twice changes nothing more.
 */
import type { SidebarSection } from '@/api/sidebar'

export type Sections = readonly SidebarSection[]
export type SectionChange = (sections: Sections) => Sections

export const STARRED = 'starred'
const CHANNELS = 'channels'
const DIRECT = 'direct'
const BUILT_IN = [STARRED, CHANNELS, DIRECT] as const

/** A section with what is shown in it, in its order. */
export interface Filled<T> {
  readonly section: SidebarSection
  readonly items: readonly T[]
}

interface Placed {
  readonly id: string
  readonly direct: boolean
}

/** Each built-in section once; a document that was never arranged may lack them. */
export function whole(sections: Sections): Sections {
  const missing = BUILT_IN.filter((kind) => !sections.some((section) => section.kind === kind))
  return [
    ...sections,
    ...missing.map((kind) => ({ id: kind, kind, name: null, channel_ids: [], collapsed: false })),
  ]
}

/** Everything that is here, once: in the section that names it, or in that of its kind, behind what was put there. */
export function filled<T extends Placed>(sections: Sections, items: readonly T[]): readonly Filled<T>[] {
  const here = new Map(items.map((item) => [item.id, item]))
  const named = new Set(sections.flatMap((section) => section.channel_ids))
  return whole(sections).map((section) => {
    const put = section.channel_ids.map((id) => here.get(id)).filter((item) => item !== undefined)
    const rest = items.filter(({ id, direct }) => !named.has(id) && section.kind === (direct ? DIRECT : CHANNELS))
    return { section, items: [...put, ...rest] }
  })
}

/** A new section stands above the channels, where the eye is. */
export function withSection(id: string, name: string): SectionChange {
  return (sections) => {
    if (sections.some((section) => section.id === id)) return sections
    const all = [...whole(sections)]
    const section: SidebarSection = { id, kind: 'custom', name, channel_ids: [], collapsed: false }
    all.splice(all.findIndex(({ kind }) => kind === CHANNELS), 0, section)
    return all
  }
}

function patched(id: string, patch: Partial<SidebarSection>): SectionChange {
  return (sections) => whole(sections).map((section) => (section.id === id ? { ...section, ...patch } : section))
}

export const renamed = (id: string, name: string): SectionChange => patched(id, { name })
export const collapsed = (id: string, yes: boolean): SectionChange => patched(id, { collapsed: yes })

/** What stood in it goes back to the channels and direct messages. */
export function withoutSection(id: string): SectionChange {
  return (sections) => sections.filter((section) => section.id !== id || section.kind !== 'custom')
}

/** `before` is the section that it stands before from then on; null: it is the last. */
export function movedSection(id: string, before: string | null): SectionChange {
  return (sections) => {
    const all = whole(sections)
    const moving = all.find((section) => section.id === id)
    if (moving === undefined || id === before) return sections
    const others = all.filter((section) => section !== moving)
    const at = before === null ? others.length : others.findIndex((section) => section.id === before)
    return at < 0 ? sections : [...others.slice(0, at), moving, ...others.slice(at)]
  }
}

/**
 * `shown` is what stands in the target from top to bottom, with the channel in its new place. As much of it is written down
 * as it takes to keep the channel there; all of it where nothing stands by itself.
 */
export function placed(channelId: string, sectionId: string, shown: readonly string[]): SectionChange {
  return (sections) =>
    whole(sections).map((section) => {
      const others = section.channel_ids.filter((id) => id !== channelId)
      if (section.id !== sectionId) return { ...section, channel_ids: others }
      const byItself = section.kind === CHANNELS || section.kind === DIRECT
      const last = Math.max(shown.indexOf(channelId), ...others.map((id) => shown.indexOf(id)))
      const order = byItself ? shown.slice(0, last + 1) : shown
      // What another device has put here meanwhile stays.
      return { ...section, channel_ids: [...order, ...others.filter((id) => !order.includes(id))] }
    })
}

/** Back to where it stands by itself. */
export function unplaced(channelId: string): SectionChange {
  return (sections) =>
    sections.map((section) => ({ ...section, channel_ids: section.channel_ids.filter((id) => id !== channelId) }))
}

/** The order after taking `id` to stand before `before` (null: at the end). */
export function reordered(ids: readonly string[], id: string, before: string | null): readonly string[] {
  if (id === before) return ids
  const others = ids.filter((other) => other !== id)
  const at = before === null ? -1 : others.indexOf(before)
  return at < 0 ? [...others, id] : [...others.slice(0, at), id, ...others.slice(at)]
}
