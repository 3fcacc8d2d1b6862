import { describe, expect, it } from 'vitest'

import type { Run, RunDelta } from '@/api/ai'

import { completions, isCommand } from './commands'
import { liveRun, withDelta, withRun, withStep } from './merge'

function run(patch: Partial<Run> = {}): Run {
  return {
    id: 'r', workspace_id: 'w', channel_id: 'c', asker_id: 'ana', command: 'ask', prompt: 'why?', state: 'running',
    created_at: '2026-11-24T20:00:00.000Z', thread_id: null, trigger_message_id: null, attempt: 1, text: '', model: 'm',
    citations: [], prompt_tokens: 0, completion_tokens: 0, finished_at: null, error: null, message_id: null, ...patch,
  }
}

function delta(offset: number, text: string, attempt = 1): RunDelta {
  return { type: 'run.delta', workspace_id: 'w', channel_id: 'c', run_id: 'r', attempt, offset, text }
}

const told = (...deltas: RunDelta[]) => deltas.reduce(withDelta, liveRun(run()))

describe('deltas', () => {
  it('are put one behind the other', () => {
    expect(told(delta(0, 'Hello'), delta(5, ' there'))).toMatchObject({ text: 'Hello there', length: 11, behind: false })
  })

  it('count code points, not UTF-16 units', () => {
    const family = '👩‍👩‍👧' // three faces and two joiners: five code points
    const live = told(delta(0, '🙂'), delta(1, family), delta(6, 'é'), delta(7, '!'))
    expect(live).toMatchObject({ text: `🙂${family}é!`, length: 8, behind: false })
  })

  it('that come twice change nothing', () => {
    const once = told(delta(0, '🙂 a'), delta(3, 'b'))
    expect(withDelta(once, delta(0, '🙂 a'))).toBe(once)
    expect(withDelta(once, delta(1, ' a'))).toBe(once)
  })

  it('that overlap add only what is new, even in the middle of emoji', () => {
    expect(told(delta(0, 'a🙂🙂'), delta(2, '🙂b')).text).toBe('a🙂🙂b')
  })

  it('after a hole wait for the text so far', () => {
    const live = told(delta(0, 'a'), delta(3, 'd'))
    expect(live).toMatchObject({ text: 'a', behind: true })
    const whole = withRun(live, run({ text: 'abc' }))
    expect(withDelta(whole, delta(3, 'd'))).toMatchObject({ text: 'abcd', behind: false })
  })

  it('of another attempt ask for it, those of an older one are dropped', () => {
    const live = told(delta(0, 'first try'))
    expect(withDelta(live, delta(0, 'x', 2)).behind).toBe(true)
    const second = withRun(live, run({ attempt: 2, text: 'sec' }))
    expect(second).toMatchObject({ text: 'sec', attempt: 2 })
    expect(withDelta(second, delta(9, ' goes on', 1))).toBe(second)
  })
})

describe('the run as the server tells it', () => {
  it('does not take back what deltas have told since', () => {
    const live = told(delta(0, 'Hello there'))
    expect(withRun(live, run({ text: 'Hello', model: 'n' }))).toMatchObject({ text: 'Hello there', run: { model: 'n' } })
  })

  it('of an older attempt does not come back', () => {
    const live = withRun(told(), run({ attempt: 2, text: 'new' }))
    expect(withRun(live, run({ attempt: 1, text: 'a much longer old one' })).text).toBe('new')
  })

  it('keeps its step', () => {
    const step = {
      type: 'run.step' as const, workspace_id: 'w', channel_id: 'c', run_id: 'r', attempt: 1, step: 'searching' as const,
      count: null,
    }
    expect(withRun(withStep(told(), step), run({ text: 'x' })).step).toBe(step)
  })
})

describe('commands', () => {
  const list = ['ask', 'summarize', 'translate', 'help'].map((name) => ({
    name, usage: `/${name}`, description: name, arguments: [], examples: [],
  }))
  const names = (text: string) => completions(list, text).map((item) => item.title)

  it.each([
    ['/ask why', true], ['/nonsense', true], ['//code', false], ['/', false], ['/ x', false], ['a /ask', false],
  ])('%j is one: %s', (text, is) => expect(isCommand(text)).toBe(is))

  it('are completed while the name is typed', () => {
    expect(names('/')).toEqual(['/ask', '/summarize', '/translate', '/help'])
    expect(names('/S')).toEqual(['/summarize'])
    expect(names('/help')).toEqual([])
    expect(names('/ask wh')).toEqual([])
    expect(names('text /a')).toEqual([])
  })
})
