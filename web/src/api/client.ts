/** The one way to the server's JSON: adds the token, refreshes it once, turns failures into Problems. */
import { networkProblem, problemFrom } from './problem'
import { distrust, freshToken } from './session'
import type { Span } from './trace'
import { traceparent } from './trace'
import type { ApiPath } from './types'

const TIMEOUT_MS = 20_000

type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
type Query = Record<string, string | number | null | undefined>

interface Options {
  query?: Query
  body?: unknown
  /** Public endpoints (register, log in) go without a token. */
  anonymous?: boolean
  signal?: AbortSignal
  /** Starts the trace of this request. */
  span?: Span
  /** The same key again answers what the first request did. */
  idempotencyKey?: string
  /** It goes through when the page is closed meanwhile. */
  keepalive?: boolean
}

interface Sending extends Options {
  accept?: string
}

export async function request<T>(method: Method, path: ApiPath, options: Options = {}): Promise<T> {
  return read<T>(await answered(method, path, options))
}

/** A file of the server, with the token that a plain link would not carry. */
export async function download(path: ApiPath, query: Query): Promise<Blob> {
  const response = await answered('GET', path, { query, accept: '*/*' })
  if (!response.ok) throw await problemFrom(response)
  return response.blob()
}

async function answered(method: Method, path: ApiPath, options: Sending): Promise<Response> {
  const first = await send(method, path, options)
  if (first.status !== 401 || options.anonymous) return first
  // The token may have been revoked or outlived a clock jump: one fresh token, one more try.
  return send(method, path, options)
}

async function send(method: Method, path: ApiPath, options: Sending): Promise<Response> {
  const headers: Record<string, string> = { 'X-Tertulia-Client': 'web', Accept: options.accept ?? 'application/json' }
  let token: string | null = null
  if (!options.anonymous) {
    token = await freshToken()
    headers['Authorization'] = `Bearer ${token}`
  }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.span !== undefined) headers['traceparent'] = traceparent(options.span)
  if (options.idempotencyKey !== undefined) headers['Idempotency-Key'] = options.idempotencyKey
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  let response: Response
  try {
    response = await fetch(url(path, options.query), {
      method,
      headers,
      keepalive: options.keepalive ?? false,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    })
  } catch {
    throw networkProblem()
  }
  if (response.status === 401 && token !== null) distrust(token)
  return response
}

async function read<T>(response: Response): Promise<T> {
  if (!response.ok) throw await problemFrom(response)
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw networkProblem()
  }
}

function url(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return `/api/v1${path}${text === '' ? '' : `?${text}`}`
}
