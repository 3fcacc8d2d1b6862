/**
 * Tracing from the click on: a W3C `traceparent` for what a person starts, and, when the server keeps traces, small
 * OTLP/HTTP JSON spans of what only the browser can see. Nothing waits for a span and nothing fails because of one.
 */

/** Set by configureTracing; without it spans are made for their header and dropped. */
let deliver: ((body: string) => void) | null = null

const SEND_AFTER_MS = 5_000
const BATCH = 50
/** Spans that nobody takes are dropped beyond this. */
const KEEP = 500

type Attributes = Record<string, string | number>

export interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  /** Unix ms. */
  readonly start: number
}

interface Finished {
  span: Span
  end: number
  ok: boolean
  attributes: Attributes
}

let waiting: Finished[] = []
let timer: ReturnType<typeof setTimeout> | undefined

function randomHex(bytes: number): string {
  const values = crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(values, (value) => value.toString(16).padStart(2, '0')).join('')
}

/** A span of its own trace, or under `parent`. */
export function beginSpan(name: string, { parent = null, start = Date.now() }: { parent?: Span | null; start?: number } = {}): Span {
  return { name, traceId: parent?.traceId ?? randomHex(16), spanId: randomHex(8), parentId: parent?.spanId ?? null, start }
}

/** The header's value; the last byte says that this trace is to be kept. */
export function traceparent(span: Span): string {
  return `00-${span.traceId}-${span.spanId}-01`
}

export function endSpan(span: Span, ok: boolean, attributes: Attributes = {}, end: number = Date.now()): void {
  if (deliver === null) return
  waiting = [...waiting.slice(-KEEP + 1), { span, end, ok, attributes }]
  if (waiting.length >= BATCH) flush()
  else timer ??= setTimeout(() => flush(), SEND_AFTER_MS)
}

function flush(): void {
  clearTimeout(timer)
  timer = undefined
  const batch = waiting.splice(0, BATCH)
  if (batch.length > 0) deliver?.(JSON.stringify(otlp(batch)))
}

/** From now on spans are handed to `send`; null stops that. */
export function configureTracing(send: ((body: string) => void) | null): void {
  deliver = send
  if (send === null) waiting = []
}

/** Sent messages whose event has not come back over the stream, by `client_msg_id`. */
const sent = new Map<string, Span>()
const EXPECTED = 100

export const arrivals = {
  /** To be called before the request: the event may be here before its answer. */
  expect(clientMsgId: string, span: Span): void {
    if (deliver === null) return
    if (sent.size >= EXPECTED) sent.delete(sent.keys().next().value ?? '')
    sent.set(clientMsgId, span)
  },

  /** The message came over the stream: how long after the click, in the trace of the click. */
  came(clientMsgId: string): void {
    const span = sent.get(clientMsgId)
    if (span === undefined) return
    sent.delete(clientMsgId)
    endSpan(beginSpan('receive message', { parent: span, start: span.start }), true)
  },
}

addEventListener('pagehide', () => flush())

const SPAN_KIND_CLIENT = 3
const STATUS_OK = 1
const STATUS_ERROR = 2

function nanoseconds(ms: number): string {
  return `${BigInt(Math.round(ms * 1000)) * 1000n}`
}

function attribute(key: string, value: string | number) {
  return { key, value: typeof value === 'string' ? { stringValue: value } : { intValue: String(Math.round(value)) } }
}

/** The body of POST /v1/traces, as OTLP's JSON mapping has it. */
export function otlp(batch: readonly Finished[]): object {
  const spans = batch.map(({ span, end, ok, attributes }) => ({
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentId === null ? {} : { parentSpanId: span.parentId }),
    name: span.name,
    kind: SPAN_KIND_CLIENT,
    startTimeUnixNano: nanoseconds(span.start),
    endTimeUnixNano: nanoseconds(Math.max(end, span.start)),
    attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    status: { code: ok ? STATUS_OK : STATUS_ERROR },
  }))
  const resource = { attributes: [attribute('service.name', 'web')] }
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'tertulia.web' }, spans }] }] }
}
