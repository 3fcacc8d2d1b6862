/** Commands and AI runs: what an answer is while it is written, and what stays of it on the message. */
import type { Answer, Schemas } from './answer'

/** A message that an answer rests on, written `[n]` in its text. */
export type Citation = Answer<Schemas['Citation']>
/** What makes a message an answer of the bot. */
export type AiMark = Answer<Schemas['AiMark']>
/** `text` is what there is so far; `attempt` rises when another process began again. */
export type Run = Answer<Schemas['Run']>
export type RunCommand = Schemas['RunCommand']
export type Command = Answer<Schemas['Command']>
/** A command starts a run, or (`/help`) answers the asker alone. */
export type CommandAnswer = { run: Run } | { reply: Answer<Schemas['Reply']> }

/** Ephemeral: `text` begins at code point `offset` of this attempt. */
export interface RunDelta {
  type: 'run.delta'
  workspace_id: string
  channel_id: string
  run_id: string
  attempt: number
  offset: number
  text: string
}

export type StepName = 'reading' | 'searching' | 'writing'

/** Ephemeral: what a run is doing now. */
export interface RunStep {
  type: 'run.step'
  workspace_id: string
  channel_id: string
  run_id: string
  attempt: number
  step: StepName
  count: number | null
}
