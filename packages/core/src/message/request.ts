/** Checks user-supplied requests. An {@link HttpRequest} has passed every check. */

import { UsageError } from '../errors/errors.js'
import { isToken } from '../field-syntax.js'
import { shownValue, unknownOption } from '../schema/option-checks.js'
import { namesOf } from '../schema/schema.js'
import { inContext } from './context.js'
import { hasField } from './field-lines.js'
import { checkFields, type FieldsInit, withoutExpectation } from './fields.js'
import { type Origin, parseRequestUrl } from './origin.js'
import { type Priority, serializePriority } from './priority.js'
import { type Content, toContent } from './request-content.js'
import { REQUEST_OPTIONS, type RequestOptions } from './request-options.js'
import { checkStrategy } from './strategy.js'

/**
 * A checked request. Has the shape of the engine's `RequestHead`, so that it need not be copied.
 */
export interface HttpRequest {
  readonly method: string
  readonly scheme: 'https' | 'http'
  readonly authority: string
  readonly path: string
  /** Protocol of an extended CONNECT (RFC 8441 §4). */
  readonly protocol?: string | undefined
  /** Name, value, name, value…, `content-length` included. */
  readonly fields: readonly string[]
  readonly sensitive: ReadonlySet<string> | undefined
  readonly origin: Origin
  readonly content: Content | undefined
  readonly trailers: (() => FieldsInit) | undefined
  readonly trimFieldValues?: boolean | undefined
  /** Whether the request must not be sent over HTTP/1.1. */
  readonly http2Only?: boolean | undefined
  /** Whether the caller set `connection: close`. */
  readonly close: boolean
  /** Whether the content waits for 100 or a short time (RFC 9110 §10.1.1). */
  readonly expectsContinue?: boolean
  /** Whether the caller wants interim responses, which are then unlimited. */
  readonly wantsInformational?: boolean
}

/**
 * Whether a method is idempotent (RFC 9110 §9.2.2): sending it twice has the same effect as once.
 */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** Idempotent methods. QUERY is one by RFC 10008 §2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'QUERY', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/**
 * Whether a request may be sent twice: by its method, or because it has an `idempotency-key` field.
 */
export function isRepeatable({ method, fields }: HttpRequest): boolean {
  return isIdempotent(method) || hasField(fields, 'idempotency-key')
}

const MEMBERS = namesOf(REQUEST_OPTIONS)

/** Names of the members that only our own packages set. */
export const INTERNAL_MEMBERS: ReadonlySet<string> = new Set([
  'totalSince',
  'resolvedAddress',
  'http1Only',
  'http2Only',
  'keepDotSegments',
])

/** Names of the public members. */
export const REQUEST_MEMBERS: ReadonlySet<string> = new Set([...MEMBERS].filter((name) => !INTERNAL_MEMBERS.has(name)))

/**
 * Client options that other libraries accept per request. Refused, because ignoring them could
 * change the destination.
 */
const OF_THE_CLIENT: ReadonlySet<string> = new Set([
  'proxy',
  'tls',
  'lookup',
  'sockets',
  'socketPath',
  'reuse',
  'pools',
  'protocols',
  'localAddress',
  'localPort',
  'dispatcher',
  'agent',
])

/**
 * Returns the request with its own members only. Copies it only if it has a special prototype,
 * because every request takes this path.
 * @param taker name of the function that takes the request, for errors.
 * @throws UsageError `ERR_UNKNOWN_OPTION` for an unknown member.
 */
export function ownRequest(options: RequestOptions, taker = 'a request'): RequestOptions {
  if (!isObject(options)) throw wrongKind('a request', 'an object', options)
  const prototype: unknown = Object.getPrototypeOf(options)
  const isPlain = prototype === null || (prototype === Object.prototype && !isPolluted())
  const own = isPlain ? options : ({ __proto__: null, ...options } as RequestOptions)
  // `for … in` also visits members of Object.prototype, which must be ignored.
  for (const name in own) if (!MEMBERS.has(name) && Object.hasOwn(own, name)) throw unknownMember(name, taker)
  return own
}

function unknownMember(name: string, taker: string): UsageError {
  const hint = OF_THE_CLIENT.has(name) ? ': set it on a client made with createClient()' : ''
  return unknownOption(name, REQUEST_MEMBERS, '', taker, hint)
}

const INHERITED = Object.prototype as Partial<RequestOptions>

/**
 * Whether Object.prototype has a member with the name of a request option. Names are literals:
 * computed lookups take ten times as long.
 */
function isPolluted(): boolean {
  const { method, url, headers, body, duplex, trailers, signal, timeouts, totalSince } = INHERITED
  const { replay, retry, isolation, strategy, affinity, priority, sensitive, trimFieldValues, onInformational } = INHERITED
  const { resolvedAddress, addressPolicy, interceptors, redirect, maxRedirects, onRedirect, maxBodyBytes, http1Only } = INHERITED
  const { keepDotSegments, protocol, http2Only } = INHERITED
  const first = method ?? url ?? headers ?? body ?? duplex ?? trailers ?? signal ?? timeouts ?? totalSince ?? resolvedAddress
  const second =
    addressPolicy ?? interceptors ?? redirect ?? maxRedirects ?? onRedirect ?? maxBodyBytes ?? http1Only ?? keepDotSegments
  const third =
    protocol ??
    replay ??
    retry ??
    isolation ??
    strategy ??
    affinity ??
    priority ??
    sensitive ??
    trimFieldValues ??
    onInformational ??
    http2Only
  return (first ?? second ?? third) !== undefined
}

/**
 * Checks a request. Sends, opens and reads nothing.
 * @param options own members only: see {@link ownRequest}.
 * @throws UsageError that names the invalid option.
 */
export function checkRequest(options: RequestOptions): HttpRequest {
  checkKinds(options)
  const { method = 'GET', protocol } = options
  if (method !== 'GET' || protocol !== undefined) checkMethod(method, protocol)
  const { origin, path } = parseRequestUrl(options.url, options.keepDotSegments)
  const checked = checkFields(options.headers)
  const content = options.body === undefined || options.body === null ? undefined : toContent(options.body)
  if (content === undefined && options.trailers !== undefined) {
    throw new UsageError('ERR_INVALID_TRAILERS', 'trailers require a body', { origin: origin.serialized })
  }
  const expectsContinue = checked.expects && content !== undefined && content.length !== 0
  const list = checked.expects && !expectsContinue ? withoutExpectation(checked.list) : checked.list
  return {
    method,
    scheme: origin.scheme,
    authority: checked.host ?? origin.authority,
    path,
    protocol,
    fields: withContentFields(withPriority(list, options.priority), method, content, checked.contentLength),
    sensitive: options.sensitive === undefined ? undefined : new Set(options.sensitive),
    origin,
    content,
    trailers: inContext(options.trailers),
    trimFieldValues: options.trimFieldValues,
    http2Only: options.http2Only,
    close: checked.close,
    expectsContinue,
    wantsInformational: options.onInformational !== undefined,
  }
}

/** Checks the types of options, for callers without TypeScript. */
function checkKinds(options: RequestOptions): void {
  const {
    url,
    headers,
    duplex,
    trailers,
    signal,
    timeouts,
    isolation,
    strategy,
    affinity,
    sensitive,
    onInformational,
    trimFieldValues,
  } = options
  if (typeof url !== 'string' && typeof (url as URL | undefined)?.protocol !== 'string') {
    throw new UsageError('ERR_INVALID_URL', `a URL must be a string or a URL object, not ${shownValue(url)}`)
  }
  if (headers !== undefined && !isObject(headers)) throw wrongKind('headers', 'an object', headers)
  if (timeouts !== undefined && !isObject(timeouts)) throw wrongKind('timeouts', 'an object', timeouts)
  if (duplex !== undefined && duplex !== 'half') throw wrongKind('duplex', '"half"', duplex)
  if (trailers !== undefined && !isFunction(trailers)) throw wrongKind('trailers', 'a function', trailers)
  if (onInformational !== undefined && !isFunction(onInformational))
    throw wrongKind('onInformational', 'a function', onInformational)
  if (trimFieldValues !== undefined && typeof trimFieldValues !== 'boolean')
    throw wrongKind('trimFieldValues', 'true or false', trimFieldValues)
  if (isolation !== undefined && typeof isolation !== 'string') throw wrongKind('isolation', 'a string', isolation)
  if (strategy !== undefined) checkStrategy(strategy, 'strategy')
  if (affinity !== undefined && typeof affinity !== 'string') throw wrongKind('affinity', 'a string', affinity)
  if (sensitive !== undefined && !isFunction(sensitive?.[Symbol.iterator])) throw wrongKind('sensitive', 'a list', sensitive)
  if (signal !== undefined && signal !== null && !isFunction(signal.addEventListener))
    throw wrongKind('signal', 'an AbortSignal', signal)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function wrongKind(name: string, wanted: string, given: unknown): UsageError {
  return new UsageError('ERR_INVALID_OPTION', `${name} must be ${wanted}, not ${given === null ? 'null' : typeof given}`)
}

function checkMethod(method: string, protocol: string | undefined): void {
  if (typeof method !== 'string' || !isToken(method)) {
    throw new UsageError('ERR_INVALID_METHOD', `method ${shownValue(method)} is not a valid token`)
  }
  // CONNECT opens a tunnel: it has no path, and its response has no content (RFC 9110 §9.3.6).
  if (method === 'CONNECT' && protocol === undefined)
    throw new UsageError('ERR_INVALID_METHOD', 'method CONNECT opens a tunnel: for requests, it requires the option protocol')
  if (protocol === undefined) return
  if (method !== 'CONNECT')
    throw new UsageError('ERR_INVALID_METHOD', `the option protocol requires method CONNECT, not ${method}`)
  if (typeof protocol !== 'string' || !isProtocol(protocol))
    throw new UsageError('ERR_INVALID_OPTION', `option protocol: ${shownValue(protocol)} is not a valid name of a protocol`)
}

/** A name, or a name, a slash and a version (RFC 9110 §7.8). */
function isProtocol(protocol: string): boolean {
  const parts = protocol.split('/', 3)
  return parts.length <= 2 && parts.every(isToken)
}

/**
 * Adds the `priority` field.
 * @throws UsageError `ERR_INVALID_PRIORITY`, also if the caller has set the field.
 */
function withPriority(list: readonly string[], priority: Priority | undefined): readonly string[] {
  if (priority === undefined) return list
  const value = serializePriority(priority)
  if (hasField(list, 'priority')) {
    throw new UsageError('ERR_INVALID_PRIORITY', 'the priority is given twice: as an option, and as a field')
  }
  return value === '' ? list : [...list, 'priority', value]
}

/** Adds `content-type` and `content-length` if the content implies them (RFC 9110 §8.3, §8.6). */
function withContentFields(
  list: readonly string[],
  method: string,
  content: Content | undefined,
  claimed: number | undefined,
): readonly string[] {
  const length = content === undefined ? (claimed ?? impliedLength(method)) : (content.length ?? claimed)
  const actual = content === undefined ? 0 : content.length
  if (claimed !== undefined && actual !== undefined && claimed !== actual) {
    throw new UsageError('ERR_CONTENT_LENGTH', `content-length is ${claimed}, but the content has ${actual} bytes`)
  }
  if (length === undefined && content?.type === undefined) return list
  const fields = list.slice()
  if (content?.type !== undefined && !hasField(fields, 'content-type')) {
    fields.push('content-type', content.type)
  }
  if (length !== undefined) fields.push('content-length', String(length))
  return fields
}

/** Returns content-length 0 for methods that anticipate content (RFC 9110 §8.6). */
function impliedLength(method: string): number | undefined {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'QUERY' ? 0 : undefined
}

/** Removes the key by which HTTP/1.1 confirms an upgrade: an extended CONNECT has none (RFC 8441 §5). */
export function withoutKey(request: HttpRequest): HttpRequest {
  const fields = request.fields.filter((_, i, all) => all[i - (i % 2)] !== 'sec-websocket-key')
  return { ...request, fields }
}

/** The error of an extended CONNECT to a server that does not offer it (RFC 8441 §3). */
export function noExtendedConnect({ origin, protocol }: HttpRequest): UsageError {
  const message = `${origin.serialized} does not offer extended CONNECT (RFC 8441), which the protocol ${protocol} requires`
  return new UsageError('ERR_EXTENDED_CONNECT_UNSUPPORTED', message, { origin: origin.serialized })
}
