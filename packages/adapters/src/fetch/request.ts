/** `fetch(input, init)` to what the client takes: method, fields, body, signal, redirect mode (Fetch standard §5.4). Nothing is sent here. */

import { Fields, type RequestOptions, type Timeouts } from '@unshard/core'
import { extractBody, type FetchBody, type FetchBodyInit } from './body.js'
import { ACCEPT_ENCODING } from './decode.js'

/** What `init` may hold: the platform's members, and ours. */
export interface FetchInit extends Omit<RequestInit, 'body' | 'dispatcher'> {
  readonly body?: FetchBodyInit | null
  /** Deadlines of this request, milliseconds; see the client's options. */
  readonly timeouts?: Timeouts
  /** Requests with different tags never share a connection. */
  readonly isolation?: string
}

/** A request in the course of being fetched; redirects change it. */
export interface FetchRequest {
  url: string
  method: string
  /** Pairs, or the shared default list. */
  fields: Fields | [string, string][]
  body: FetchBody | undefined
  readonly signal: AbortSignal | undefined
  readonly redirect: Request['redirect']
  readonly extras: Pick<RequestOptions, 'timeouts' | 'isolation'>
}

const DEFAULTS: readonly [string, string][] = [
  ['accept', '*/*'],
  ['accept-encoding', ACCEPT_ENCODING],
  ['user-agent', 'unshard'],
]
const DEFAULT_FIELDS: Fields = new Fields(DEFAULTS.flat())
const NO_EXTRAS = {}

/** @throws TypeError naming what is wrong. */
export function toFetchRequest(input: string | URL | Request, init: FetchInit | undefined): FetchRequest {
  const request = input instanceof Request ? input : undefined
  if (init === undefined && request === undefined) return plainGet(input as string | URL)
  const method = normalizeMethod(init?.method ?? request?.method ?? 'GET')
  const body = takeBody(request, init)
  if (body !== undefined && (method === 'GET' || method === 'HEAD')) {
    throw new TypeError(`a ${method} request cannot have a body`)
  }
  const redirect = init?.redirect ?? request?.redirect ?? 'follow'
  if (redirect !== 'follow' && redirect !== 'error' && redirect !== 'manual') {
    throw new TypeError(`redirect ${JSON.stringify(redirect)} is not follow, error or manual`)
  }
  return {
    url: request?.url ?? String(input),
    method,
    fields: mergeFields(init?.headers ?? request?.headers),
    body,
    signal: (init?.signal === undefined ? request?.signal : init.signal) ?? undefined,
    redirect,
    extras: init === undefined ? NO_EXTRAS : extrasOf(init),
  }
}

function plainGet(input: string | URL): FetchRequest {
  const url = typeof input === 'string' ? input : String(input)
  return { url, method: 'GET', fields: DEFAULT_FIELDS, body: undefined, signal: undefined, redirect: 'follow', extras: NO_EXTRAS }
}

function extrasOf({ timeouts, isolation }: FetchInit): FetchRequest['extras'] {
  return { ...(timeouts === undefined ? {} : { timeouts }), ...(isolation === undefined ? {} : { isolation }) }
}

/** Fetch standard §2.2.1: six methods are matched whatever their case; three are refused. */
function normalizeMethod(method: string): string {
  const upper = String(method).toUpperCase()
  if (upper === 'CONNECT' || upper === 'TRACE' || upper === 'TRACK')
    throw new TypeError(`method ${JSON.stringify(method)} is forbidden`)
  return NORMALIZED.has(upper) ? upper : String(method)
}

const NORMALIZED: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])

function takeBody(request: Request | undefined, init: FetchInit | undefined): FetchBody | undefined {
  if (init?.body !== undefined && init.body !== null) return extractBody(init.body, init.duplex)
  if (request === undefined || request.body === null || init?.body === null) return undefined
  if (request.bodyUsed || request.body.locked) throw new TypeError('the body of the Request was used before')
  return extractBody(request.body, 'half')
}

/** The caller's fields, and the defaults where they say nothing. */
function mergeFields(init: RequestInit['headers'] | undefined): Fields | [string, string][] {
  if (init === undefined) return DEFAULT_FIELDS
  const fields = toPairs(init)
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  for (const [name, value] of DEFAULTS) if (!names.has(name)) fields.push([name, value])
  return fields
}

function toPairs(init: NonNullable<RequestInit['headers']>): [string, string][] {
  if (typeof init !== 'object') throw new TypeError('headers are a record, pairs, or a Headers object')
  const pairs =
    Symbol.iterator in init ? [...(init as Iterable<[string, string]>)] : Object.entries(init as Record<string, string>)
  return pairs.map((pair) => {
    if (pair.length !== 2) throw new TypeError('each of headers is a pair of name and value')
    // Fetch standard §2.2.2: white space around a value is taken off, line ends included; inside it they are an error.
    return [String(pair[0]), String(pair[1]).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '')]
  })
}
