/**
 * Converts a dispatch to a client request: undici's checks with undici's messages, without the
 * options that only apply to HTTP/1.1.
 */

import { isIP } from 'node:net'
import { stringify } from 'node:querystring'
import { Fields, type RequestBody, type RequestOptions } from '@unshard/core'
import { isIterable, shownValue } from '@unshard/core/internal'
import { toDispatchBody } from './body.js'
import type { DispatchOptions } from './contract.js'
import { DispatchError, invalidArgument } from './errors.js'

/**
 * A converted request without the parts that only its exchange knows. Every member is present, so
 * that all of them have one shape.
 */
export interface PreparedRequest {
  readonly method: string
  readonly url: string
  readonly headers: Fields
  readonly body: RequestBody | undefined
  readonly timeouts: RequestOptions['timeouts'] | undefined
  /** Whether HTTP/2 is not offered. */
  readonly http1Only: true | undefined
  readonly replay: number | undefined
  /** Address of the URL's host, resolved by the caller. */
  readonly resolvedAddress: string | undefined
}

/** @throws DispatchError `UND_ERR_INVALID_ARG` or `UND_ERR_NOT_SUPPORTED`, as undici would. */
export function toRequest(options: DispatchOptions): PreparedRequest {
  checkKinds(options)
  const { method, idempotent, allowH2 } = options
  const { body, type, length } = toDispatchBody(options.body)
  const fields = new FieldLines()
  fields.addAll(options.headers)
  if (options.reset === true || fields.close) fields.list.push('connection', 'close')
  if (type !== undefined && !fields.hasType) fields.list.push('content-type', type)
  checkLength(fields.length, body)
  if (length !== undefined && fields.length === undefined) fields.list.push('content-length', String(length))
  const { origin, resolvedAddress } = originOf(options, fields.host)
  return {
    method,
    url: origin + pathOf(options),
    headers: new Fields(fields.list),
    body,
    timeouts: timeoutsOf(options),
    http1Only: allowH2 === false ? true : undefined,
    replay: idempotent === false ? 0 : undefined,
    resolvedAddress,
  }
}

/** Returns the protocol of an upgrade. @throws DispatchError `UND_ERR_INVALID_ARG`, `UND_ERR_NOT_SUPPORTED`. */
export function protocolOf({ upgrade, body, method }: DispatchOptions): string | undefined {
  // As in undici: a falsy value asks for none.
  if (!upgrade) return undefined
  if (typeof upgrade !== 'string') throw invalidArgument('upgrade must be the name of a protocol')
  if (method !== 'GET')
    throw new DispatchError('UND_ERR_NOT_SUPPORTED', `an upgrade is a GET, not ${method}`, { processed: 'no' })
  if (body) throw new DispatchError('UND_ERR_NOT_SUPPORTED', 'an upgrade with a body is not supported', { processed: 'no' })
  return upgrade
}

function checkKinds({
  path,
  method,
  headersTimeout,
  bodyTimeout,
  reset,
  expectContinue,
  maxRedirections,
}: DispatchOptions): void {
  if (typeof path !== 'string') throw invalidArgument('path must be a string')
  if (path[0] !== '/') {
    if (!/^https?:\/\//.test(path)) throw invalidArgument('path must be an absolute URL or start with a slash')
    throw new DispatchError(
      'UND_ERR_NOT_SUPPORTED',
      'an absolute URL as path is not supported: for a proxy, use the option `proxy` of the client',
    )
  }
  if (/[^\u0021-\u00ff]/.test(path)) throw invalidArgument('invalid request path')
  if (typeof method !== 'string') throw invalidArgument('method must be a string')
  if (!TOKEN.test(method)) throw invalidArgument('invalid request method')
  if (!isDuration(headersTimeout)) throw invalidArgument('invalid headersTimeout')
  if (!isDuration(bodyTimeout)) throw invalidArgument('invalid bodyTimeout')
  if (!isFlag(reset)) throw invalidArgument('invalid reset')
  if (!isFlag(expectContinue)) throw invalidArgument('invalid expectContinue')
  if (maxRedirections !== undefined && maxRedirections !== null && maxRedirections !== 0) {
    throw invalidArgument('maxRedirections is not supported, use the redirect interceptor')
  }
}

/**
 * RFC 9110 §8.6: content in memory must match the announced length; streamed content is checked
 * while it is sent.
 */
function checkLength(announced: string | undefined, body: RequestBody | undefined): void {
  if (announced === undefined) return
  if (!/^[0-9]{1,15}$/.test(announced)) throw invalidArgument('invalid content-length header')
  if (body instanceof Uint8Array && Number(announced) !== body.length) {
    const message = `content-length ${announced} does not match the content of ${body.length} bytes`
    throw new DispatchError('UND_ERR_REQ_CONTENT_LENGTH_MISMATCH', message, { processed: 'no' })
  }
}

function isDuration(value: number | null | undefined): boolean {
  return value === undefined || value === null || (Number.isFinite(value) && value >= 0)
}

function isFlag(value: boolean | null | undefined): boolean {
  return value === undefined || value === null || typeof value === 'boolean'
}

function timeoutsOf({ headersTimeout, bodyTimeout }: DispatchOptions): RequestOptions['timeouts'] {
  if ((headersTimeout ?? bodyTimeout ?? undefined) === undefined) return undefined
  return {
    ...(typeof headersTimeout === 'number' ? { headers: Math.ceil(headersTimeout) } : undefined),
    ...(typeof bodyTimeout === 'number' ? { body: Math.ceil(bodyTimeout) } : undefined),
  }
}

/** Destination of a request. */
interface RequestOrigin {
  /** Scheme, host and port only. */
  readonly origin: string
  readonly resolvedAddress: string | undefined
}

const MOST_ORIGINS = 1_024
const origins = new Map<string, RequestOrigin>()

/** @param host field of that name. */
function originOf({ origin, servername }: DispatchOptions, host: string | undefined): RequestOrigin {
  if (!(origin instanceof URL) && (typeof origin !== 'string' || origin === '')) {
    throw invalidArgument('opts.origin must be a non-empty string or URL.')
  }
  const text = String(origin)
  const name = servername || nameIn(host)
  if (name !== undefined && isIP(name) === 0) return named(text, name)
  let known = origins.get(text)
  if (known === undefined) {
    known = { origin: parsed(text).origin, resolvedAddress: undefined }
    if (origins.size >= MOST_ORIGINS) origins.clear()
    origins.set(text, known)
  }
  return known
}

/**
 * Restores the name in an origin. An interceptor that resolves names replaces the name by an
 * address it may have checked: request the name, but connect to that address. Resolving the name
 * again would bypass the check (DNS rebinding).
 */
function named(text: string, name: string): RequestOrigin {
  const { protocol, hostname, port, origin } = parsed(text)
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) === 0) return { origin, resolvedAddress: undefined }
  const url = parsed(`${protocol}//${name}${port === '' ? '' : `:${port}`}`)
  // A servername with more than a host name would lead elsewhere.
  if (url.hostname !== name.toLowerCase()) throw invalidArgument(`invalid servername ${shownValue(name)}`)
  return { origin: url.origin, resolvedAddress: address }
}

/** Returns the host name of a `host` field, without the port. */
function nameIn(host: string | undefined): string | undefined {
  if (host === undefined || host.startsWith('[')) return undefined
  const colon = host.indexOf(':')
  return (colon === -1 ? host : host.slice(0, colon)) || undefined
}

function parsed(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw invalidArgument(`invalid origin ${shownValue(text)}`)
  }
}

function pathOf({ path, query }: DispatchOptions): string {
  if (query === undefined || query === null) return path
  if (/[?#]/.test(path)) throw invalidArgument('Query params cannot be passed when "path" already contains "?" or "#".')
  const text = stringify(query as Parameters<typeof stringify>[0])
  return text === '' ? path : `${path}?${text}`
}

/** Collects fields. Converts values to text as undici does; the client validates them. */
class FieldLines {
  readonly list: string[] = []
  close = false
  hasType = false
  /** `content-length` as given. */
  length: string | undefined
  host: string | undefined

  addAll(headers: unknown): void {
    if (headers === undefined || headers === null) return
    if (typeof headers !== 'object') throw invalidArgument('headers must be an object or an array')
    if (Array.isArray(headers)) return this.#addFlat(headers)
    if (!isIterable(headers)) {
      for (const name of Object.keys(headers)) this.#add(name, (headers as Record<string, unknown>)[name])
      return
    }
    for (const pair of headers as Iterable<unknown>) {
      if (!Array.isArray(pair) || pair.length !== 2) throw invalidArgument('headers must be in key-value pair format')
      this.#add(pair[0], pair[1])
    }
  }

  #addFlat(headers: readonly unknown[]): void {
    if (headers.length % 2 !== 0) throw invalidArgument('headers array must be even')
    for (let i = 0; i < headers.length; i += 2) this.#add(headers[i], headers[i + 1])
  }

  #add(key: unknown, value: unknown): void {
    if (value === undefined) return
    const name = toText('name', key)
    const lower = name.toLowerCase()
    if (CONNECTION.has(lower) && this.#connection(lower, value)) return
    if (lower === 'content-type') this.hasType = true
    else if (lower === 'content-length') this.#setLength(toText(name, value))
    else if (lower === 'host') this.#setHost(value)
    else if (!TOKEN.test(name)) throw invalidArgument('invalid header key')
    if (!Array.isArray(value)) this.list.push(name, toValue(name, value))
    else for (const line of value) this.list.push(name, toValue(name, line))
  }

  /** RFC 9110 §7.2: only one is allowed. Two servers would read two different ones differently. */
  #setHost(value: unknown): void {
    for (const host of Array.isArray(value) ? value : [value]) {
      if (typeof host !== 'string') throw invalidArgument('invalid host header')
      if (this.host !== undefined && this.host.toLowerCase() !== host.toLowerCase())
        throw invalidArgument('duplicate host header')
      this.host = host
    }
  }

  #setLength(value: string): void {
    if (this.length !== undefined) throw invalidArgument('duplicate content-length header')
    this.length = value
  }

  /** Handles connection-specific fields. Returns true if the field was one. */
  #connection(name: string, value: unknown): boolean {
    if (name === 'expect') throw new DispatchError('UND_ERR_NOT_SUPPORTED', 'expect header not supported')
    if (name === 'connection') {
      if (typeof value !== 'string') throw invalidArgument('invalid connection header')
      this.close ||= value.split(',').some((token) => token.trim().toLowerCase() === 'close')
      return true
    }
    if (REFUSED.has(name)) throw invalidArgument(`invalid ${name} header`)
    return true
  }
}

/**
 * RFC 9113 §8.2.2: not allowed in HTTP/2. undici refuses the first three; `connection` is handled
 * separately.
 */
const REFUSED: ReadonlySet<string> = new Set(['transfer-encoding', 'keep-alive', 'upgrade'])
const CONNECTION: ReadonlySet<string> = new Set([...REFUSED, 'connection', 'expect', 'proxy-connection', 'http2-settings'])

/** Field values that undici allows (RFC 9110 §5.5). */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function toValue(name: string, value: unknown): string {
  const text = toText(name, value)
  if (!VALUE.test(text)) throw invalidArgument(`invalid ${name} header`)
  return text
}

function toText(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null) return ''
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (typeof value === 'object') throw invalidArgument(`invalid ${name} header`)
  return `${value as number}`
}
