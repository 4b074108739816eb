/** `init.unshard`: what a call may say beyond the Fetch standard. One own member holds all of it, so that members of other libraries mean nothing here. */

import {
  type Client,
  Fields,
  type Priority,
  type RequestOptions,
  type RetryPolicy,
  type Timeouts,
  UsageError,
} from '@unshard/core'
import { ownOptions } from '@unshard/core/internal'
import { toHeaders } from './headers.js'
import type { Progress } from './init.js'

/** Extensions of one call, or the defaults of every call of a `fetch`. */
export interface FetchExtensions {
  /** Deadlines of this request, in milliseconds. Default: the client's. See docs/guides/client.md. */
  readonly timeouts?: Timeouts
  /** Asks again after a status that says "later", such as 429 and 503: `true`, or when and how often. Default: the client's. */
  readonly retry?: RetryPolicy | boolean
  /** Times that the request is sent again after its connection was lost with an unknown outcome; 0 to 100. Default: the client's. */
  readonly replay?: number
  /** Requests with different values never share a connection. Default: none. */
  readonly isolation?: string
  /** Requests with the same value use the same one of several connections, where the origin's strategy is `hash`. Default: none. */
  readonly affinity?: string
  /** Sends the request. Default: the client of this `fetch`. */
  readonly client?: Client
  /** Urgency in the terms of RFC 9218; it goes before `init.priority`. Default: none is sent. */
  readonly httpPriority?: Priority
  /**
   * Bytes that compressed content may decode to; more is a `ResponseError` `ERR_DECODED_TOO_LARGE`. Default: 536,870,912 for `text()` and the others
   * that hold the content whole, no limit for `body`.
   */
  readonly maxDecodedBytes?: number
  /** Called for each interim response, such as 103 (Early Hints). An error that it throws ends the request. */
  readonly onInformational?: (status: number, headers: Headers) => void
  /** Called as the request's content is handed to the connection, at least once. */
  readonly onUploadProgress?: (progress: Progress) => void
  /** Called as the response's content is read, and when it is complete. */
  readonly onDownloadProgress?: (progress: Progress) => void
}

/** The part of the extensions that the client takes as it is. */
export type RequestExtras = Pick<
  RequestOptions,
  'timeouts' | 'isolation' | 'affinity' | 'priority' | 'retry' | 'replay' | 'onInformational'
>

/** Names of the extensions. */
export const EXTENSION_NAMES: readonly (keyof FetchExtensions)[] = [
  'timeouts',
  'retry',
  'replay',
  'isolation',
  'affinity',
  'client',
  'httpPriority',
  'maxDecodedBytes',
  'onInformational',
  'onUploadProgress',
  'onDownloadProgress',
]

const KNOWN: ReadonlySet<string> = new Set(EXTENSION_NAMES)
const FUNCTIONS = ['onInformational', 'onUploadProgress', 'onDownloadProgress'] as const

/** A call without extensions. Shared, and compared by identity. */
export const NO_EXTENSIONS: FetchExtensions = {}
/** A request for which the client is told nothing beyond method, URL, fields, content and signal. Shared, and compared by identity. */
export const NO_EXTRAS: RequestExtras = {}

/**
 * The extensions of a call over the defaults of its `fetch`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION` naming the member.
 */
export function extensionsOf(init: { readonly unshard?: FetchExtensions }, defaults: FetchExtensions): FetchExtensions {
  if (init.unshard === undefined || !Object.hasOwn(init, 'unshard')) return defaults
  const given: FetchExtensions = ownOptions(init.unshard, KNOWN, 'unshard.')
  checkExtensions(given, 'unshard.')
  return mergeExtensions(defaults, given)
}

/** @throws UsageError `ERR_INVALID_OPTION` naming the member. What the client checks itself is not looked at. */
export function checkExtensions(given: FetchExtensions, prefix: string): void {
  const { maxDecodedBytes, client } = given
  if (maxDecodedBytes !== undefined && !(typeof maxDecodedBytes === 'number' && maxDecodedBytes >= 0)) {
    throw new UsageError('ERR_INVALID_OPTION', `${prefix}maxDecodedBytes is not a number of bytes`)
  }
  if (client !== undefined && typeof (client as Partial<Client> | null)?.request !== 'function') {
    throw new UsageError('ERR_INVALID_OPTION', `${prefix}client is not a client: pass what createClient() returns`)
  }
  for (const name of FUNCTIONS) {
    if (given[name] !== undefined && typeof given[name] !== 'function') {
      throw new UsageError('ERR_INVALID_OPTION', `${prefix}${name} is not a function`)
    }
  }
}

/** `more` over `base`; members that are undefined say nothing, and deadlines are merged one by one. */
export function mergeExtensions(base: FetchExtensions, more: FetchExtensions): FetchExtensions {
  const merged: Record<string, unknown> = { ...base }
  for (const name of EXTENSION_NAMES) if (more[name] !== undefined) merged[name] = more[name]
  if (base.timeouts !== undefined && isObject(more.timeouts)) merged['timeouts'] = { ...base.timeouts, ...more.timeouts }
  return merged as FetchExtensions
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

type Writable = { -readonly [Name in keyof RequestExtras]: RequestExtras[Name] }

/** What the client is told. Written member by member: that costs least for calls without extensions. */
export function toExtras(extensions: FetchExtensions, priority: Priority | undefined): RequestExtras {
  if (extensions === NO_EXTENSIONS && priority === undefined) return NO_EXTRAS
  const { timeouts, isolation, affinity, retry, replay, onInformational } = extensions
  const extras: Writable = {}
  if (timeouts !== undefined) extras.timeouts = timeouts
  if (isolation !== undefined) extras.isolation = isolation
  if (affinity !== undefined) extras.affinity = affinity
  if (priority !== undefined) extras.priority = priority
  if (retry !== undefined) extras.retry = retry
  if (replay !== undefined) extras.replay = replay
  if (onInformational !== undefined) {
    extras.onInformational = (status, list) => onInformational(status, toHeaders(new Fields(list)))
  }
  return extras
}
