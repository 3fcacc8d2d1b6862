import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { arrivals, beginSpan, configureTracing, endSpan, traceparent } from './trace'

interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  status: { code: number }
}

let sent: OtlpSpan[][]

beforeEach(() => {
  vi.useFakeTimers()
  sent = []
})

afterEach(() => {
  configureTracing(null)
  vi.useRealTimers()
})

function keep(): void {
  configureTracing((body) => {
    const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }
    sent.push(resourceSpans.flatMap((resource) => resource.scopeSpans.flatMap((scope) => scope.spans)))
  })
}

describe('a trace', () => {
  it('has a fresh W3C header each time', () => {
    const headers = [beginSpan('a'), beginSpan('a')].map(traceparent)
    for (const header of headers) expect(header).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
    expect(headers[0]).not.toBe(headers[1])
  })

  it('goes nowhere while the server keeps none', () => {
    endSpan(beginSpan('a'), true)
    vi.advanceTimersByTime(60_000)
    keep()
    vi.advanceTimersByTime(60_000)
    expect(sent).toEqual([])
  })

  it('is sent in batches, with times that need more than 53 bits', () => {
    keep()
    const span = beginSpan('send message', { start: 1_763_000_000_123 })
    endSpan(span, true, {}, 1_763_000_000_456)
    endSpan(beginSpan('send message'), false)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(5_000)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.[0]).toMatchObject({
      traceId: span.traceId,
      startTimeUnixNano: '1763000000123000000',
      endTimeUnixNano: '1763000000456000000',
      status: { code: 1 },
    })
    expect(sent[0]?.[1]?.status.code).toBe(2)
  })

  it('goes at once when the page is left', () => {
    keep()
    endSpan(beginSpan('a'), true)
    dispatchEvent(new Event('pagehide'))
    expect(sent).toHaveLength(1)
  })

  it('holds the arrival of the message that it sent, once', () => {
    keep()
    const span = beginSpan('send message')
    arrivals.expect('k1', span)
    arrivals.came('k1')
    arrivals.came('k1')
    arrivals.came('somebody else')
    vi.advanceTimersByTime(5_000)
    expect(sent[0]).toHaveLength(1)
    expect(sent[0]?.[0]).toMatchObject({ traceId: span.traceId, parentSpanId: span.spanId, name: 'receive message' })
  })
})
