/**
 * Commands of a workspace for the composer: completion while one types `/…`, and sending. What the server says to a
 * command (help, an error) is for the one who typed it.
 */
import { computed, ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'

import type { Command } from '@/api/ai'
import { ai } from '@/api/endpoints'
import { uuidv7 } from '@/api/ids'
import { asProblem, Problem } from '@/api/problem'
import { beginSpan, endSpan } from '@/api/trace'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'
import { usePreferences } from '@/entities/preferences'
import type { Suggestion } from '@/ui/suggestion'

import { completions, isCommand } from './commands'
import { useRuns } from './store'

/** What is told to the asker alone. */
export type Told = { readonly reply: string } | { readonly problem: Problem }

/** The lists of this visit: they change only with a new version of the server. */
const known = new Map<string, readonly Command[]>()

export function useCommands(workspaceId: () => string, place: Place) {
  const { t } = useI18n()
  const runs = useRuns()
  const preferences = usePreferences()
  const commands = shallowRef<readonly Command[]>(known.get(workspaceId()) ?? [])
  const told = shallowRef<Told | null>(null)
  const busy = ref(false)
  /** The key of the last try: the same text after a lost answer must not start a second run. */
  let last: { text: string; key: string } | null = null

  async function load(): Promise<void> {
    if (commands.value.length > 0) return
    try {
      const { items } = await ai.commands(workspaceId())
      known.set(workspaceId(), items)
      commands.value = items
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      // Without the list there is no completion; what is wrong is told when a command is sent.
    }
  }

  function suggest(text: string): Suggestion[] {
    if (!text.startsWith('/') || preferences.current.hideAi) return []
    void load()
    return completions(commands.value, text)
  }

  /** Sends a command; false when it failed and its text should stay. */
  async function run(text: string): Promise<boolean> {
    busy.value = true
    told.value = null
    const key = last?.text === text ? last.key : uuidv7()
    last = { text, key }
    const span = beginSpan('send command')
    try {
      const answer = await ai.command(channelOf(place), { text, thread_id: threadOf(place) }, key, span)
      endSpan(span, true)
      last = null
      if ('run' in answer) runs.take(answer.run)
      else told.value = { reply: answer.reply.text }
      return true
    } catch (error) {
      const problem = asProblem(error)
      endSpan(span, false, { 'error.type': problem.code })
      if (!problem.temporary) last = null
      told.value = { problem }
      return false
    } finally {
      busy.value = false
    }
  }

  return {
    told,
    line: computed(() => ({ label: t('runs.commands'), busy: busy.value, isCommand, suggest, run })),
    dismiss: () => (told.value = null),
  }
}
