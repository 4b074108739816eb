/** The members of `init` that have few values (Fetch standard §5.4): what each may be, and what is refused. Nothing else happens here. */

import type { Client, Priority, RetryPolicy, Timeouts } from '@unshard/core'
import type { FetchBodyInit } from './body.js'
import { isObject, isSignal } from './brands.js'
import { REFERRER_POLICIES } from './referrer.js'

/** How far a request's or a response's content has come. */
export interface Progress {
  /** Octets so far, as they travel: before any content coding is taken off. */
  readonly bytes: number
  /** Octets in all; `undefined` where nobody has said. */
  readonly total: number | undefined
}

/** What `init` may hold: the platform's members, and ours. */
export interface FetchInit extends Omit<RequestInit, 'body' | 'dispatcher' | 'signal' | 'cache' | 'priority'> {
  /** The content (Fetch standard §5.2). Streams, which are sent once, need `duplex: 'half'`. */
  readonly body?: FetchBodyInit | null
  /** Ends it wherever it is, the reading of the content included: with `signal.reason` itself. */
  readonly signal?: AbortSignal | null
  /** There is no cache; `no-store`, `reload` and `no-cache` send the fields that ask caches on the way. Default `default`. */
  readonly cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached'
  /** How urgent the response is, against others of this client: `high` is urgency 1, `low` is 5 (RFC 9218). Default `auto`: 3, which is not sent. */
  readonly priority?: 'high' | 'low' | 'auto'
  /** The same in the terms of RFC 9218; goes before `priority`. */
  readonly httpPriority?: Priority
  /** Deadlines of this request, milliseconds; see the client's options. */
  readonly timeouts?: Timeouts
  /** Asks again after a status that says "later", such as 429 and 503: `true`, or when and how often. Default: the client's; see docs/client.md. */
  readonly retry?: RetryPolicy | boolean
  /** How often it is sent again where its connection was lost and nobody knows what came of it. Default: the client's; see docs/client.md. */
  readonly replay?: number
  /** Requests with different tags never share a connection. */
  readonly isolation?: string
  /** Sends this one request through another client. */
  readonly client?: Client
  /**
   * Octets that compressed content may decode to; what goes over it fails with a `ResponseError` `ERR_DECODED_TOO_LARGE`. Default: 536,870,912
   * for `text()` and the others that hold it whole, no limit for `body`, whose reader decides how much there is.
   */
  readonly maxDecodedBytes?: number
  /** Called for each interim response, such as 103 (Early Hints). What it throws ends the request. */
  readonly onInformational?: (status: number, headers: Headers) => void
  /** Called as the request's content is handed to the connection, at least once. */
  readonly onUploadProgress?: (progress: Progress) => void
  /** Called as the response's content is read, and when it is complete. */
  readonly onDownloadProgress?: (progress: Progress) => void
}

const ENUMS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    mode: ['cors', 'no-cors', 'same-origin'],
    credentials: ['omit', 'same-origin', 'include'],
    cache: ['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached'],
    redirect: ['follow', 'error', 'manual'],
    priority: ['high', 'low', 'auto'],
    duplex: ['half'],
    referrerPolicy: ['', ...REFERRER_POLICIES],
  }).map(([name, values]) => [name, new Set(values)]),
)
const FUNCTIONS = ['onInformational', 'onUploadProgress', 'onDownloadProgress'] as const

/** @throws TypeError naming the member that is wrong, before anything is asked of a body or a signal. */
export function checkInit(init: FetchInit): void {
  if (!isObject(init)) throw new TypeError('init is an object')
  for (const name in init) {
    const value: unknown = (init as Record<string, unknown>)[name]
    if (value === undefined) continue
    const values = ENUMS.get(name)
    if (values !== undefined && !values.has(String(value))) {
      throw new TypeError(`${name} ${JSON.stringify(String(value))} is not one of ${[...values].join(', ')}`)
    }
  }
  const { window, signal, cache, mode, maxDecodedBytes } = init as FetchInit & { window?: unknown }
  if (window !== undefined && window !== null) throw new TypeError('window can only be null')
  if (signal !== undefined && signal !== null && !isSignal(signal)) throw new TypeError('signal is not an AbortSignal')
  if (cache === 'only-if-cached' && mode !== 'same-origin') {
    throw new TypeError("cache 'only-if-cached' needs mode 'same-origin'")
  }
  if (maxDecodedBytes !== undefined && !(maxDecodedBytes >= 0)) throw new TypeError('maxDecodedBytes is a number of octets')
  for (const name of FUNCTIONS) {
    if (init[name] !== undefined && typeof init[name] !== 'function') throw new TypeError(`${name} is a function`)
  }
}

const NORMALIZED: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
const FORBIDDEN: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
const SIMPLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST'])

/**
 * Fetch standard §2.2.1: six methods are matched whatever their case; three are refused. Under `no-cors` only three are allowed.
 * @throws TypeError naming the method.
 */
export function normalizeMethod(method: string, mode: string | undefined): string {
  if (method === 'GET' || method === 'POST') return method
  const text = String(method)
  const upper = text.toUpperCase()
  if (FORBIDDEN.has(upper)) throw new TypeError(`method ${JSON.stringify(text)} is forbidden`)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) throw new TypeError(`method ${JSON.stringify(text)} is not a token`)
  const normalized = NORMALIZED.has(upper) ? upper : text
  if (mode === 'no-cors' && !SIMPLE.has(normalized)) throw new TypeError(`method ${normalized} is not for mode 'no-cors'`)
  return normalized
}

const URGENCIES = { high: { urgency: 1 }, low: { urgency: 5 }, auto: undefined }

/**
 * Chromium's `high` is urgency 1, two above what it gives to `low`; here `auto` keeps the protocol's own default, 3, because a server's
 * client has no page whose parts compete, and `low` stands two below it.
 */
export function toPriority(init: FetchInit): Priority | undefined {
  return init.httpPriority ?? (init.priority === undefined ? undefined : URGENCIES[init.priority])
}
