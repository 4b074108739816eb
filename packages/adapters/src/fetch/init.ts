/**
 * Validates the members of `init` that have few valid values (Fetch standard §5.4). Nothing else
 * happens here.
 */

import { type Priority, UsageError } from '@unshard/core'
import type { FetchBodyInit } from './body.js'
import { isObject, isSignal } from './brands.js'
import type { FetchExtensions } from './extensions.js'
import { warnIfIgnored } from './ignored-members.js'
import { quoted } from './location.js'
import { REFERRER_POLICIES } from './referrer.js'

/** Progress of a request's or a response's content. */
export interface Progress {
  /** Bytes transferred so far, before any content coding is removed. */
  readonly bytes: number
  /** Total number of bytes; `undefined` if unknown. */
  readonly total: number | undefined
}

/** Members of `init`: the platform's and ours. */
export interface FetchInit extends Omit<RequestInit, 'body' | 'dispatcher' | 'signal' | 'cache' | 'priority'> {
  /** Content (Fetch standard §5.2). Streams can be sent only once and require `duplex: 'half'`. */
  readonly body?: FetchBodyInit | null
  /** Aborts the request or the reading of its response at any time, with `signal.reason` itself. */
  readonly signal?: AbortSignal | null
  /**
   * There is no cache here; `no-store`, `reload` and `no-cache` send the fields that instruct
   * caches on the way. Default `default`.
   */
  readonly cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached'
  /**
   * Urgency of the response relative to others of this client: `high` is urgency 1, `low` is 5 (RFC
   * 9218). Default `auto`: 3, which is not sent.
   */
  readonly priority?: 'high' | 'low' | 'auto'
  /** Extensions of this client beyond the standard. Unknown members are refused. */
  readonly unshard?: FetchExtensions
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

/**
 * @throws UsageError `ERR_INVALID_OPTION` naming the invalid member, before the body or the signal
 * is touched.
 */
export function checkInit(init: FetchInit): void {
  if (!isObject(init)) throw invalid('init must be an object')
  for (const name in init) {
    const value: unknown = (init as Record<string, unknown>)[name]
    if (value === undefined) continue
    const values = ENUMS.get(name)
    if (values === undefined) warnIfIgnored(name, value)
    else if (!values.has(String(value))) {
      throw invalid(`${name} ${quoted(String(value))} is not one of ${[...values].join(', ')}`)
    }
  }
  const { window, signal, cache, mode } = init as FetchInit & { window?: unknown }
  if (window !== undefined && window !== null) throw invalid('window must be null')
  if (signal !== undefined && signal !== null && !isSignal(signal)) throw invalid('signal is not an AbortSignal')
  if (cache === 'only-if-cached' && mode !== 'same-origin') {
    throw invalid("cache 'only-if-cached' requires mode 'same-origin'")
  }
}

function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_OPTION', message)
}

const NORMALIZED: ReadonlySet<string> = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'])
const FORBIDDEN: ReadonlySet<string> = new Set(['CONNECT', 'TRACE', 'TRACK'])
const SIMPLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST'])

/**
 * Fetch standard §2.2.1: six methods are case-insensitive; three are refused. Under `no-cors` only
 * three are allowed.
 * @throws UsageError `ERR_INVALID_METHOD` naming the method.
 */
export function normalizeMethod(method: string, mode: string | undefined): string {
  if (method === 'GET' || method === 'POST') return method
  const text = String(method)
  const upper = text.toUpperCase()
  if (FORBIDDEN.has(upper)) throw invalidMethod(`method ${quoted(text)} is forbidden`)
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) throw invalidMethod(`method ${quoted(text)} is not a token`)
  const normalized = NORMALIZED.has(upper) ? upper : text
  if (mode === 'no-cors' && !SIMPLE.has(normalized))
    throw invalidMethod(`method ${quoted(normalized)} is not allowed with mode 'no-cors'`)
  return normalized
}

function invalidMethod(message: string): UsageError {
  return new UsageError('ERR_INVALID_METHOD', message)
}

const URGENCIES = { high: { urgency: 1 }, low: { urgency: 5 }, auto: undefined }

/**
 * Chromium's `high` is urgency 1, two above its `low`. Here `auto` keeps the protocol's default, 3,
 * because a server-side client has no page whose parts compete, and `low` is two below that.
 */
export function toPriority(init: FetchInit, { httpPriority }: FetchExtensions): Priority | undefined {
  return httpPriority ?? (init.priority === undefined ? undefined : URGENCIES[init.priority])
}
