/**
 * Runs of the open conversation. `run.started` and the first delta make a row; the answer's message takes its place in
 * the same tick; a run that ended without a message stays until the reader puts it away.
 */
import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

import type { Run, RunDelta } from '@/api/ai'
import { ai } from '@/api/endpoints'
import type { Envelope, RunSign } from '@/api/events'
import { asProblem, Problem } from '@/api/problem'
import type { Place } from '@/entities/place'
import { channelOf, threadOf } from '@/entities/place'

import type { LiveRun } from './merge'
import { isActive, liveRun, withDelta, withRun, withStep } from './merge'

const AGAIN_MS = 1_000

export const useRuns = defineStore('runs', () => {
  const runs = shallowReactive(new Map<string, LiveRun>())
  /** Runs whose text is being asked for, with the deltas that came meanwhile. */
  const asking = new Map<string, RunDelta[]>()
  const askedAt = new Map<string, number>()
  /** Finished ones: a late delta must not bring them back. */
  const over = new Set<string>()
  let channel: string | null = null

  function ofChannel(channelId: string): LiveRun[] {
    return [...runs.values()]
      .filter(({ run }) => run.channel_id === channelId)
      .sort((a, b) => (a.run.created_at < b.run.created_at ? -1 : 1))
  }

  /** Those that were asked for in the channel itself, or in this thread of it. */
  function ofPlace(place: Place): LiveRun[] {
    return ofChannel(channelOf(place)).filter(({ run }) => run.thread_id === threadOf(place))
  }

  /** A conversation is shown: its deltas are followed from here on, and what already runs is asked for. */
  async function open(channelId: string): Promise<void> {
    channel = channelId
    await refresh()
  }

  function close(channelId: string): void {
    if (channel !== channelId) return
    channel = null
    runs.clear()
  }

  /** After a pause of the stream: deltas have been lost. */
  async function refresh(): Promise<void> {
    const channelId = channel
    if (channelId === null) return
    let items: Run[]
    try {
      ;({ items } = await ai.active(channelId))
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      // The part is not running, or cannot be reached: there is nothing to show, and the next event tells more.
      return
    }
    if (channel !== channelId) return
    for (const run of items) take(run)
    const told = new Set(items.map((run) => run.id))
    for (const { run } of ofChannel(channelId)) if (isActive(run) && !told.has(run.id)) void ask(run.id)
  }

  /** A run as the server tells it. */
  function take(run: Run): void {
    if (run.channel_id !== channel || over.has(run.id)) return
    if (!isActive(run)) return settle(run)
    const known = runs.get(run.id)
    runs.set(run.id, known === undefined ? liveRun(run) : withRun(known, run))
  }

  function settle(run: Run): void {
    over.add(run.id)
    const known = runs.get(run.id)
    if (run.message_id !== null || run.state === 'done') runs.delete(run.id)
    else if (run.channel_id === channel) runs.set(run.id, { ...(known ?? liveRun(run)), run, behind: false })
  }

  function onEvent(event: Envelope): void {
    if (event.type === 'message.created' && event.data.message.ai) {
      const id = event.data.message.ai.run_id
      over.add(id)
      runs.delete(id)
    } else if (event.type === 'run.started') take(event.data.run)
    else if (event.type === 'run.finished') settle(event.data.run)
  }

  function onSign(sign: RunSign): void {
    if (sign.channel_id !== channel || over.has(sign.run_id)) return
    const known = runs.get(sign.run_id)
    if (sign.type === 'run.step') {
      if (known !== undefined) runs.set(sign.run_id, withStep(known, sign))
      return
    }
    const held = asking.get(sign.run_id)
    if (held !== undefined) held.push(sign)
    else if (known === undefined) void ask(sign.run_id, sign)
    else put(sign.run_id, withDelta(known, sign), sign)
  }

  function put(id: string, next: LiveRun, delta: RunDelta): void {
    runs.set(id, next)
    if (next.behind) void ask(id, delta)
  }

  /** The text so far, and on top of it what came while it was on its way. */
  async function ask(id: string, delta?: RunDelta): Promise<void> {
    if (asking.has(id)) return
    asking.set(id, delta === undefined ? [] : [delta])
    const pause = (askedAt.get(id) ?? 0) + AGAIN_MS - Date.now()
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    askedAt.set(id, Date.now())
    try {
      take((await ai.run(id)).run)
    } catch (error) {
      if (!asProblem(error).temporary) runs.delete(id)
    }
    const held = asking.get(id) ?? []
    asking.delete(id)
    for (const later of held) onSign(later)
  }

  /** Takes a failed or stopped run off the list. */
  function dismiss(id: string): void {
    runs.delete(id)
  }

  async function stop(id: string): Promise<void> {
    take((await ai.stop(id)).run)
  }

  function clear(): void {
    channel = null
    runs.clear()
    asking.clear()
    askedAt.clear()
    over.clear()
  }

  return { runs, ofChannel, ofPlace, open, close, refresh, take, onEvent, onSign, dismiss, stop, clear }
})
