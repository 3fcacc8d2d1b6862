/** What stands in the sidebar of a workspace, and every deed that rearranges it, by mouse or by keyboard. */
import type { ComputedRef } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { uuidv7 } from '@/api/ids'
import type { SidebarSection } from '@/api/sidebar'
import { byName, isDirect } from '@/entities/naming'
import type { Filled } from '@/entities/sidebar'
import {
  collapsed, filled, movedSection, placed, renamed, reordered, STARRED, unplaced, withoutSection, withSection,
} from '@/entities/sidebar'
import type { ChannelEntry } from '@/entities/store'
import { useEntities } from '@/entities/store'

import { useArranging } from './arranging'
import { useChannelTitle } from './title'

export interface SidebarItem {
  readonly id: string
  readonly direct: boolean
  readonly entry: ChannelEntry
}

export type FilledSection = Filled<SidebarItem>

export interface SidebarSections {
  readonly list: ComputedRef<readonly FilledSection[]>
  nameOf(section: SidebarSection): string
  /** The section that it stands in. */
  sectionOf(channelId: string): FilledSection | undefined
  isStarred(channelId: string): boolean
  star(channelId: string, yes: boolean): void
  /** Before another of the section; null: at its end. */
  place(channelId: string, sectionId: string, before: string | null): void
  /** To a section as a whole: where things stand by themselves, it stands by itself again. */
  moveTo(channelId: string, sectionId: string): void
  /** One up or down; false at the edge. */
  step(channelId: string, by: 1 | -1): boolean
  create(name: string): string
  rename(id: string, name: string): void
  remove(id: string): void
  fold(id: string, yes: boolean): void
  moveSection(id: string, before: string | null): void
  stepSection(id: string, by: 1 | -1): void
}

const BUILT_IN = { starred: 'sections.starred', channels: 'channels.channels', direct: 'channels.dms' } as const

export function useSections(workspaceId: () => string): SidebarSections {
  const { t, locale } = useI18n()
  const entities = useEntities()
  const arranging = useArranging()
  const title = useChannelTitle()
  const change = (wish: Parameters<typeof arranging.change>[1]): void => arranging.change(workspaceId(), wish)

  const items = computed(() =>
    [...entities.channels.values()]
      .filter((entry) => entry.joined && entry.channel.workspace_id === workspaceId())
      .sort(byName((entry: ChannelEntry) => title(entry.channel), locale.value))
      .map((entry) => ({ id: entry.channel.id, direct: isDirect(entry.channel), entry })),
  )
  const list = computed(() => filled(arranging.sections(workspaceId()), items.value))

  function sectionOf(channelId: string): FilledSection | undefined {
    return list.value.find(({ items: inside }) => inside.some(({ id }) => id === channelId))
  }

  function idsOf(sectionId: string): readonly string[] {
    return list.value.find(({ section }) => section.id === sectionId)?.items.map(({ id }) => id) ?? []
  }

  function place(channelId: string, sectionId: string, before: string | null): void {
    change(placed(channelId, sectionId, reordered(idsOf(sectionId), channelId, before)))
  }

  function moveTo(channelId: string, sectionId: string): void {
    const direct = items.value.find(({ id }) => id === channelId)?.direct ?? false
    if (sectionId === (direct ? 'direct' : 'channels')) change(unplaced(channelId))
    else place(channelId, sectionId, null)
  }

  function step(channelId: string, by: 1 | -1): boolean {
    const section = sectionOf(channelId)?.section.id ?? ''
    const ids = idsOf(section)
    const to = ids.indexOf(channelId) + by
    if (to < 0 || to >= ids.length) return false
    place(channelId, section, (by < 0 ? ids[to] : ids[to + 1]) ?? null)
    return true
  }

  function stepSection(id: string, by: 1 | -1): void {
    const ids = list.value.map(({ section }) => section.id)
    const to = ids.indexOf(id) + by
    if (to >= 0 && to < ids.length) change(movedSection(id, (by < 0 ? ids[to] : ids[to + 1]) ?? null))
  }

  function create(name: string): string {
    const id = uuidv7()
    change(withSection(id, name))
    return id
  }

  return {
    list, sectionOf, place, moveTo, step, stepSection, create,
    nameOf: (section) => (section.kind === 'custom' ? (section.name ?? '') : t(BUILT_IN[section.kind])),
    isStarred: (channelId) => sectionOf(channelId)?.section.id === STARRED,
    star: (channelId, yes) => (yes ? place(channelId, STARRED, null) : change(unplaced(channelId))),
    rename: (id, name) => change(renamed(id, name)),
    remove: (id) => change(withoutSection(id)),
    fold: (id, yes) => change(collapsed(id, yes)),
    moveSection: (id, before) => change(movedSection(id, before)),
  }
}
