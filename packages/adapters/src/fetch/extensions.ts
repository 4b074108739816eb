/**
 * `init.unshard`: options of a call beyond the Fetch standard, kept in one member so that members
 * of other libraries have no meaning here.
 */

import {
  type AddressPolicyOption,
  type Client,
  Fields,
  type Interceptor,
  type Priority,
  type Redirect,
  type RequestOptions,
  type RetryPolicy,
  type Strategy,
  type Timeouts,
  UsageError,
} from '@unshard/core'
import { namesOf, number, numberIn, type OptionSchema, ownOptions, value } from '@unshard/core/internal'
import { toHeaders } from './headers.js'
import type { Progress } from './init.js'

/** Extensions of one call, or defaults of every call of a `fetch`. */
export interface FetchExtensions {
  /** Deadlines of this request, in milliseconds. See docs/guides/client.md. @default the client's */
  readonly timeouts?: Timeouts
  /**
   * Retries after a status that means "later", such as 429 and 503: `true`, or when and how often.
   *
   * @default the client's
   */
  readonly retry?: RetryPolicy | boolean
  /**
   * Maximum number of replays after the connection was lost with an unknown outcome; 0 to 100.
   *
   * @default the client's
   */
  readonly replay?: number
  /** Requests with different values never share a connection. */
  readonly isolation?: string
  /** Selects one of several connections with capacity. @default the origin's */
  readonly strategy?: Strategy
  /** Requests with the same value use the same connection if the strategy is `hash`. */
  readonly affinity?: string
  /**
   * Addresses that may be connected to, also by redirects: see docs/guides/untrusted-urls.md.
   * @default the client's
   */
  readonly addressPolicy?: AddressPolicyOption
  /** Maximum number of redirects that are followed; 0 to 1,000. @default 20 */
  readonly maxRedirects?: number
  /** Called before each redirect is followed. If it returns `false`, the redirect is the response; an error rejects the call. */
  readonly onRedirect?: (redirect: Redirect) => unknown
  /**
   * Maximum size of a body that is read as a whole, in bytes as they are received; `maxDecodedBytes` limits what they decode to.
   * @default the client's
   */
  readonly maxBodyBytes?: number
  /** Functions around each request, inside those of the client. */
  readonly interceptors?: readonly Interceptor[]
  /** Client that sends the request. @default the client of this `fetch` */
  readonly client?: Client
  /** Urgency in the terms of RFC 9218; overrides `init.priority`. Default: none is sent. */
  readonly httpPriority?: Priority
  /**
   * Maximum number of bytes that compressed content may decode to; beyond it, a `ResponseError`
   * `ERR_DECODED_TOO_LARGE`. Default: 536,870,912 for `text()` and the other methods that hold the
   * whole content, unlimited for `body`.
   * @default 536,870,912 for `text()` and its like
   */
  readonly maxDecodedBytes?: number
  /**
   * Called for each interim response, such as 103 (Early Hints). An error it throws ends the
   * request.
   */
  readonly onInformational?: (status: number, headers: Headers) => void
  /** Called whenever request content is handed to the connection, at least once. */
  readonly onUploadProgress?: (progress: Progress) => void
  /** Called whenever response content is read, and when it is complete. */
  readonly onDownloadProgress?: (progress: Progress) => void
}

/** Extensions that are passed to the client unchanged. */
export type RequestExtras = Pick<
  RequestOptions,
  | 'addressPolicy'
  | 'maxBodyBytes'
  | 'interceptors'
  | 'timeouts'
  | 'isolation'
  | 'strategy'
  | 'affinity'
  | 'priority'
  | 'retry'
  | 'replay'
  | 'onInformational'
>

/** Members of `init.unshard`. */
export const EXTENSION_OPTIONS: OptionSchema<FetchExtensions> = {
  timeouts: value('an object', "the client's"),
  retry: value('`true`, `false`, an object', "the client's"),
  replay: value('0 to 100', "the client's"),
  isolation: value('text'),
  strategy: value('`least-streams`, `random`, `round-robin`, `hash`, a function', "the origin's"),
  affinity: value('text'),
  addressPolicy: value('`any`, `public`, an object of ranges', "the client's"),
  maxRedirects: number(20, 0, 1_000),
  onRedirect: value('a function'),
  maxBodyBytes: value('a number of bytes', "the client's"),
  interceptors: value('a list of functions'),
  client: value('a client', 'the client of this `fetch`'),
  httpPriority: value('an object'),
  maxDecodedBytes: value('a number', '536,870,912 for `text()` and its like'),
  onInformational: value('a function'),
  onUploadProgress: value('a function'),
  onDownloadProgress: value('a function'),
}

/** Names of all extensions. */
export const EXTENSION_NAMES: readonly (keyof FetchExtensions)[] = Object.keys(EXTENSION_OPTIONS) as (keyof FetchExtensions)[]

const KNOWN = namesOf(EXTENSION_OPTIONS)
const FUNCTIONS = ['onRedirect', 'onInformational', 'onUploadProgress', 'onDownloadProgress'] as const

/** Extensions of a call without any. Shared, and compared by identity. */
export const NO_EXTENSIONS: FetchExtensions = Object.freeze({ __proto__: null }) as unknown as FetchExtensions
/**
 * Extras of a request that has only method, URL, fields, content and signal. Shared, and compared
 * by identity.
 */
export const NO_EXTRAS: RequestExtras = Object.freeze({ __proto__: null }) as unknown as RequestExtras

/**
 * Merges the extensions of a call over the defaults of its `fetch`.
 * @throws UsageError `ERR_UNKNOWN_OPTION`, `ERR_INVALID_OPTION` naming the member.
 */
export function extensionsOf(init: { readonly unshard?: FetchExtensions }, defaults: FetchExtensions): FetchExtensions {
  if (init.unshard === undefined || !Object.hasOwn(init, 'unshard')) return defaults
  const given: FetchExtensions = ownOptions(init.unshard, KNOWN, 'unshard.')
  checkExtensions(given, 'unshard.')
  return mergeExtensions(defaults, given)
}

/**
 * Checks the extensions that the client does not check itself. @throws UsageError
 * `ERR_INVALID_OPTION` naming the member.
 */
export function checkExtensions(given: FetchExtensions, prefix: string): void {
  const { maxDecodedBytes, client } = given
  numberIn(EXTENSION_OPTIONS, given, 'maxRedirects', prefix)
  if (maxDecodedBytes !== undefined && !(typeof maxDecodedBytes === 'number' && maxDecodedBytes >= 0)) {
    throw new UsageError('ERR_INVALID_OPTION', `${prefix}maxDecodedBytes is not a valid number of bytes`)
  }
  if (client !== undefined && typeof (client as Partial<Client> | null)?.request !== 'function') {
    throw new UsageError('ERR_INVALID_OPTION', `${prefix}client is not a client: pass the result of createClient()`)
  }
  for (const name of FUNCTIONS) {
    if (given[name] !== undefined && typeof given[name] !== 'function') {
      throw new UsageError('ERR_INVALID_OPTION', `${prefix}${name} is not a function`)
    }
  }
}

/** Merges `more` over `base`: undefined members are ignored, deadlines are merged one by one. */
export function mergeExtensions(base: FetchExtensions, overrides: FetchExtensions): FetchExtensions {
  // Without a prototype: a polluted `Object.prototype` must change nothing.
  const merged = { __proto__: null, ...base } as unknown as Record<string, unknown>
  for (const name of EXTENSION_NAMES) if (overrides[name] !== undefined) merged[name] = overrides[name]
  if (base.timeouts !== undefined && isObject(overrides.timeouts))
    merged['timeouts'] = { ...base.timeouts, ...overrides.timeouts }
  return merged as FetchExtensions
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

type Writable = { -readonly [Name in keyof RequestExtras]: RequestExtras[Name] }

/**
 * Returns the options for the client. Written member by member, the cheapest way for calls without
 * extensions.
 */
export function toExtras(extensions: FetchExtensions, priority: Priority | undefined): RequestExtras {
  if (extensions === NO_EXTENSIONS && priority === undefined) return NO_EXTRAS
  const { timeouts, isolation, strategy, affinity, retry, replay, addressPolicy, maxBodyBytes, interceptors, onInformational } =
    extensions
  const extras = { __proto__: null } as unknown as Writable
  if (timeouts !== undefined) extras.timeouts = timeouts
  if (isolation !== undefined) extras.isolation = isolation
  if (strategy !== undefined) extras.strategy = strategy
  if (affinity !== undefined) extras.affinity = affinity
  if (addressPolicy !== undefined) extras.addressPolicy = addressPolicy
  if (maxBodyBytes !== undefined) extras.maxBodyBytes = maxBodyBytes
  if (interceptors !== undefined) extras.interceptors = interceptors
  if (priority !== undefined) extras.priority = priority
  if (retry !== undefined) extras.retry = retry
  if (replay !== undefined) extras.replay = replay
  if (onInformational !== undefined) {
    extras.onInformational = (status, list) => onInformational(status, toHeaders(new Fields(list)))
  }
  return extras
}
