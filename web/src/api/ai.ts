/** Commands and AI runs: what an answer is while it is written, and what stays of it on the message. */

/** A message that an answer rests on, written `[n]` in its text. */
export interface Citation {
  n: number
  message_id: string
  channel_id: string
  ch_seq: number
  author_id: string
  created_at: string
  quote: string
}

/** What makes a message an answer of the bot. */
export interface AiMark {
  run_id: string
  asker_id: string
  command: string
  prompt: string
  model: string
  prompt_tokens: number
  completion_tokens: number
  duration_ms: number
  citations: Citation[]
  stopped: boolean
}

export type RunState = 'queued' | 'running' | 'done' | 'stopped' | 'failed'

/** `text` is what there is so far; `attempt` rises when another process began again. */
export interface Run {
  id: string
  workspace_id: string
  channel_id: string
  asker_id: string
  command: string
  prompt: string
  state: RunState
  created_at: string
  thread_id: string | null
  trigger_message_id: string | null
  attempt: number
  text: string
  model: string
  citations: Citation[]
  prompt_tokens: number
  completion_tokens: number
  finished_at: string | null
  error: string | null
  message_id: string | null
}

export interface Command {
  name: string
  usage: string
  description: string
  arguments: { name: string; required: boolean; hint: string }[]
  examples: string[]
}

/** A command starts a run, or (`/help`) answers the asker alone. */
export type CommandAnswer = { run: Run } | { reply: { text: string } }

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
