import { describe, expect, it } from 'vitest'

import type { Report } from '@/api/analytics'

import { lastDays, questionOf, rangeFrom, rangeQuery } from './range'
import { bands, change, labelled, line, linear, ticks } from './scales'
import { bars, peak, series, sum } from './table'

const NOW = Date.parse('2026-11-24T23:30:00Z')

describe('the range', () => {
  it('ends today and asks up to the first moment of tomorrow', () => {
    const range = lastDays(7, 'day', NOW)
    expect(range).toMatchObject({ first: '2026-11-18', last: '2026-11-24' })
    expect(questionOf(range)).toEqual({ from: '2026-11-18', to: '2026-11-25', bucket: 'day' })
  })

  it.each([{}, { days: '12' }, { from: 'x', to: 'y' }, { from: '2026-11-20', to: '2026-11-01' }, { bucket: 'minute' }])(
    'of %j is the last 28 days',
    (query) => expect(rangeFrom(query, NOW)).toEqual(lastDays(28, 'day', NOW)),
  )

  it.each([{ days: '90', bucket: 'week' }, { from: '2026-01-30', to: '2026-02-02', bucket: 'hour' }])(
    'survives the address: %j',
    (query) => expect(rangeQuery(rangeFrom(query, NOW))).toEqual(query),
  )

  it('never shows hours of a month', () => expect(rangeFrom({ days: '28', bucket: 'hour' }, NOW).bucket).toBe('day'))
})

describe('scales', () => {
  it.each([
    [0, [0, 1]], [1, [0, 1]], [3, [0, 1, 2, 3]], [9, [0, 5, 10]], [40, [0, 10, 20, 30, 40]], [101, [0, 50, 100, 150]],
  ])('up to %d have round, whole steps', (max, steps) => expect(ticks(max)).toEqual(steps))

  it('reach the highest value, whatever it is', () => {
    for (let max = 1; max < 20_000; max = Math.ceil(max * 1.3)) {
      const steps = ticks(max)
      expect(steps.at(-1)).toBeGreaterThanOrEqual(max)
      expect(steps.length).toBeLessThanOrEqual(6)
    }
  })

  it('are straight, also upside down, and do not divide by nothing', () => {
    expect(linear([0, 10], [100, 0])(2.5)).toBe(75)
    expect(linear([3, 3], [0, 10])(3)).toBe(5)
  })

  it('give columns equal room', () => {
    expect(bands(2, 100, 0.5)).toEqual([{ start: 12.5, width: 25 }, { start: 62.5, width: 25 }])
    expect(bands(0, 100)).toEqual([])
  })

  it('label as many as there is room for', () => {
    expect(labelled(28, 4)).toEqual([0, 7, 14, 21])
    expect(labelled(3, 10)).toEqual([0, 1, 2])
    expect(labelled(3, 0)).toEqual([0])
  })

  it('draw a path', () => expect(line([[0, 1], [2, 3.456]])).toBe('M0.0,1.0L2.0,3.5'))
  it('compare with before', () => {
    expect(change(15, 10)).toBe(0.5)
    expect(change(5, 0)).toBeNull()
  })
})

const base = {
  from: '', to: '', bucket: 'day' as const, generated_at: '', lag_s: 0, totals: {}, previous: {},
}

describe('a report', () => {
  const ai: Report = {
    ...base,
    report: 'ai',
    columns: [
      { name: 'time', title: 'Time', type: 'time' },
      { name: 'prompt_tokens', title: 'Read', type: 'count' },
      { name: 'completion_tokens', title: 'Written', type: 'count' },
    ],
    rows: [['2026-11-23T00:00:00.000Z', 10, 5], ['2026-11-24T00:00:00.000Z', 0, 0]],
  }

  it('is read by the names of its columns', () => {
    const points = series(ai, 'prompt_tokens', 'completion_tokens')
    expect(points.map((point) => point.value)).toEqual([15, 0])
    expect(sum(points)).toBe(15)
    expect(peak(points)?.time).toBe(Date.parse('2026-11-23T00:00:00.000Z'))
    expect(peak(series(ai))).toBeNull()
  })

  it('shows the busiest channels first and the others last', () => {
    const channels: Report = {
      ...base,
      report: 'channels',
      columns: [
        { name: 'channel_id', title: 'Id', type: 'id' },
        { name: 'name', title: 'Channel', type: 'text' },
        { name: 'messages', title: 'Messages', type: 'count' },
      ],
      rows: [['a', 'general', 2], [null, 'Other channels', 50], ['b', 'random', 7], ['c', null, 1]],
    }
    expect(bars(channels, 2).map((bar) => bar.name)).toEqual(['random', 'general', 'Other channels'])
  })
})
