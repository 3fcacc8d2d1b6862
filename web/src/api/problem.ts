/** RFC 9457 answers of the server, and the failures that never got an answer. */

export interface FieldError {
  pointer?: string
  parameter?: string
  detail: string
}

export class Problem extends Error {
  override readonly name = 'Problem'

  constructor(
    /** HTTP status; 0 when no answer came (no network, connection cut, time-out). */
    readonly status: number,
    /** Stable code of the contract; `network` when no answer came. */
    readonly code: string,
    detail: string,
    readonly requestId: string | null = null,
    readonly fields: readonly FieldError[] = [],
    /** Seconds the server asked us to wait, from `Retry-After`. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail)
  }

  /** True when trying the same request again can help. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }

  /** What the server says about one field of the body, if it says something. */
  field(name: string): string | null {
    return this.fields.find((error) => error.pointer === `/${name}`)?.detail ?? null
  }
}

export function networkProblem(): Problem {
  return new Problem(0, 'network', 'No answer from the server.')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function fieldErrors(value: unknown): FieldError[] {
  if (!Array.isArray(value)) return []
  return value.filter(
    (item): item is FieldError => isRecord(item) && typeof item['detail'] === 'string',
  )
}

function seconds(header: string | null): number | null {
  if (header === null) return null
  const value = Number(header)
  return Number.isFinite(value) && value >= 0 ? value : null
}

/** Reads a failed answer; a proxy's HTML error page becomes a plain problem with the status. */
export async function problemFrom(response: Response): Promise<Problem> {
  let body: unknown = null
  try {
    body = await response.json()
  } catch {
    // Not JSON: the status is all we know.
  }
  const data = isRecord(body) ? body : {}
  const text = (key: string) => (typeof data[key] === 'string' ? (data[key] as string) : null)
  return new Problem(
    response.status,
    text('code') ?? 'unknown',
    text('detail') ?? text('title') ?? '',
    text('request_id') ?? response.headers.get('x-request-id'),
    fieldErrors(data['errors']),
    seconds(response.headers.get('retry-after')),
  )
}

/** Anything thrown by a request, as a problem. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : networkProblem()
}
