/**
 * What is offered for what was typed. Nothing before it: anywhere one can go, what is new first, then where one was last.
 * `>` actions, `#` channels, `@` people, `/` leads to the search, `?` asks the AI.
 */
import type { ComputedRef, Ref } from 'vue'
import { computed } from 'vue'
import { useI18n } from 'vue-i18n'

import { useEntities } from '@/entities/store'
import { allActions, canRun } from '@/ui/actions'
import { useLine } from '@/ui/markdown/useLine'

import type { Entry, Kind } from './entries'
import { actionEntry, channelEntries, peopleEntries, threadEntries, workspaceEntries } from './entries'
import { ranked } from './rank'
import { lastUsed } from './used'

/** More than this nobody reads. */
const SHOWN = 50
const FRESH = 1_000
const RECENT = 500
/** Of a hit that was found by typing the same: letters count more. */
const TYPED_FRESH = 3
const TYPED_RECENT = 4

const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  '': ['channel', 'direct', 'person', 'thread', 'workspace'],
  '#': ['channel'],
  '@': ['direct', 'person'],
  '>': ['action'],
}

export function usePalette(workspaceId: () => string, recent: () => readonly string[], typed: Readonly<Ref<string>>) {
  const { t } = useI18n()
  const entities = useEntities()
  const line = useLine()

  const prefix = computed(() => (/^[>#@/?]/.test(typed.value) ? typed.value.slice(0, 1) : ''))
  const query = computed(() => typed.value.slice(prefix.value.length))

  // Each list is made when it is first needed, and again only when what it is made of changes.
  const channels = computed(() => channelEntries(entities, workspaceId(), t('people.unknown')))
  const people = computed(() => peopleEntries(entities, workspaceId()))
  const threads = computed(() => threadEntries(entities, workspaceId(), t('people.unknown'), line.plain))
  const workspaces = computed(() => workspaceEntries(entities, workspaceId()))
  const actions = computed(() =>
    allActions.value
      .filter(({ id, offered }) => offered && canRun(id))
      .map(({ id, group }) => actionEntry(id, t(`keys.action.${id}`), t(`keys.group.${group}`))),
  )
  const pools: Record<Kind, ComputedRef<Entry[]>> = {
    channel: channels, direct: channels, person: people, thread: threads, workspace: workspaces, action: actions,
  }

  function bonus(entry: Entry): number {
    if (entry.kind === 'action') return recency(lastUsed(), entry.id) * TYPED_RECENT
    const places = recency(recent(), entry.id)
    if (query.value.trim() === '') return (entry.fresh ? FRESH : 0) + places * RECENT
    return (entry.fresh ? TYPED_FRESH : 0) + places * TYPED_RECENT
  }

  const shown = computed(() => {
    const kinds = KINDS[prefix.value] ?? []
    const empty = query.value.trim() === ''
    const sources = new Set(kinds.map((kind) => pools[kind]))
    const pool = [...sources].flatMap((source) => source.value).filter(({ kind }) => kinds.includes(kind))
    // Whom one has not talked with, and old threads, are for typing.
    const offered = empty && prefix.value === '' ? pool.filter(({ kind }) => kind !== 'person' && kind !== 'thread') : pool
    return ranked(offered, query.value, ({ texts }) => texts, bonus, SHOWN)
  })

  return { shown, prefix, query }
}

/** 1 for the last one, less for each before it, 0 for others. */
function recency(ids: readonly string[], id: string): number {
  const at = ids.indexOf(id)
  return at < 0 ? 0 : 1 - at / (ids.length + 1)
}
