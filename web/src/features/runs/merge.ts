/**
 * The text of a running answer, from deltas that may come twice, late, or not at all. Pure.
 *
 * A delta says where it begins, in code points of its attempt. What overlaps is dropped, a hole or another attempt
 * makes the run `behind`: then the text so far is asked for, and what came meanwhile is put on top.
 */
import type { Run, RunDelta, RunStep } from '@/api/ai'

export interface LiveRun {
  readonly run: Run
  readonly text: string
  /** Of `text`, in code points. */
  readonly length: number
  readonly attempt: number
  readonly step: RunStep | null
  readonly behind: boolean
}

export function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function withoutFirst(text: string, count: number): string {
  return count === 0 ? text : [...text].slice(count).join('')
}

export function liveRun(run: Run): LiveRun {
  return { run, text: run.text, length: codePoints(run.text), attempt: run.attempt, step: null, behind: false }
}

export function withDelta(live: LiveRun, delta: RunDelta): LiveRun {
  if (delta.attempt < live.attempt) return live
  if (delta.attempt > live.attempt || delta.offset > live.length) return { ...live, behind: true }
  const fresh = withoutFirst(delta.text, live.length - delta.offset)
  if (fresh === '') return live
  return { ...live, text: live.text + fresh, length: live.length + codePoints(fresh) }
}

export function withStep(live: LiveRun, step: RunStep): LiveRun {
  return step.attempt < live.attempt ? live : { ...live, step }
}

/** The run as the server tells it: its text counts unless deltas of the same attempt have told more. */
export function withRun(live: LiveRun, run: Run): LiveRun {
  if (run.attempt < live.attempt) return { ...live, behind: false }
  const told = liveRun(run)
  const ahead = run.attempt === live.attempt && live.length > told.length
  return ahead ? { ...live, run, behind: false } : { ...told, step: live.step }
}

export function isActive(run: Run): boolean {
  return run.state === 'queued' || run.state === 'running'
}
