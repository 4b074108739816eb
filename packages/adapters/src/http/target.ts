/** Arguments of `request()`, as those of Node's `http.request()`. */

import { Agent as HttpAgent, type IncomingMessage, type RequestOptions } from 'node:http'
import { Agent as HttpsAgent, type RequestOptions as TlsRequestOptions } from 'node:https'
import { isIPv6 } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { urlToHttpOptions } from 'node:url'
import { UsageError } from '@unshard/core'
import { invalidOption, shownValue } from '@unshard/core/internal'
import { pairsOf } from './message-fields.js'
import type { WrapperOptions } from './wrapper.js'

/** Called with the response. */
export type ResponseCallback = (response: IncomingMessage) => void
/** Options of Node's `http.request()` and `https.request()`. */
export type HttpOptions = TlsRequestOptions

/** A checked request. */
export interface Target {
  readonly scheme: string
  /** URL before the path. */
  readonly base: string
  readonly options: Omit<WrapperOptions, 'h2session'>
  readonly signal: AbortSignal | undefined
}

/** Options of Node that decide how a connection is made. Connections belong to the client, so that these would have no effect. */
const OF_THE_CLIENT = [
  ...['createConnection', 'lookup', 'localAddress', 'localPort', 'family', 'hints', 'ca', 'cert', 'key', 'pfx', 'passphrase'],
  ...['ciphers', 'minVersion', 'maxVersion', 'secureContext', 'secureOptions', 'secureProtocol', 'sigalgs', 'crl', 'dhparam'],
  ...['ecdhCurve', 'insecureHTTPParser', 'maxHeaderSize', 'pskCallback'],
] as const

/**
 * Reads the arguments of `request()`.
 * @throws UsageError `ERR_INVALID_OPTION` for an option that only the client can have; `ERR_INVALID_URL`.
 */
export function targetOf(
  input: string | URL | HttpOptions,
  given: HttpOptions | ResponseCallback | undefined,
  defaultProtocol: string,
): Target {
  const options = { ...optionsOf(input), ...(typeof given === 'object' && given !== null ? given : undefined) }
  const scheme = options.protocol ?? defaultProtocol
  if (scheme !== 'https:' && scheme !== 'http:') throw invalidUrl(`protocol ${shownValue(scheme)} is not http: or https:`)
  const host = hostOf(options)
  refuseConnectionOptions(options, host)
  const port = options.port ?? options.defaultPort ?? (scheme === 'https:' ? 443 : 80)
  const { method, path, headers, auth, timeout, signal, socketPath } = options
  return {
    scheme,
    base: baseOf(scheme, { host, port, socketPath }),
    options: {
      ...{ protocol: scheme, host: inUrl(host), port, path: pathOf(path), method },
      ...{ headers: headersOf(headers), auth: auth ?? undefined, timeout },
    },
    signal,
  }
}

/** Returns a URL up to its path. */
export function baseOf(
  scheme: string,
  { host, port, socketPath }: Pick<RequestOptions, 'port' | 'socketPath'> & { host: string },
): string {
  return socketPath ? `${scheme.slice(0, -1)}+unix://${encodeURIComponent(socketPath)}` : `${scheme}//${inUrl(host)}:${port}`
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function optionsOf(input: string | URL | HttpOptions): HttpOptions {
  if (typeof input === 'object' && input !== null && !(input instanceof URL)) return input
  try {
    return urlToHttpOptions(new URL(input))
  } catch {
    throw invalidUrl(`${shownValue(input)} is not a valid absolute URL`)
  }
}

function invalidUrl(message: string): UsageError {
  return new UsageError('ERR_INVALID_URL', message)
}

function hostOf({ hostname, host }: RequestOptions): string {
  const given = hostname ?? host ?? 'localhost'
  if (typeof given !== 'string') throw invalidOption('hostname', 'text', given)
  return given.startsWith('[') && given.endsWith(']') ? given.slice(1, -1) : given
}

/** As Node does: a space, a control character or a byte above ASCII is not part of a path. */
function pathOf(path: string | null | undefined): string {
  const text = path ? String(path) : '/'
  if (/[^\u0021-\u00ff]/.test(text)) throw invalidUrl(`the path ${shownValue(text)} contains a character that must be escaped`)
  return text.startsWith('/') ? text : `/${text}`
}

function headersOf(headers: RequestOptions['headers']): WrapperOptions['headers'] {
  if (headers === undefined || headers === null) return undefined
  if (!Array.isArray(headers)) return headers as WrapperOptions['headers']
  const pairs = Array.isArray(headers[0]) ? (headers as unknown as [string, string][]) : pairsOf(headers as readonly string[])
  const lines = new Map<string, string[]>()
  for (const [name, value] of pairs) lines.set(name, [...(lines.get(name) ?? []), value])
  return Object.fromEntries(lines)
}

/** @throws UsageError `ERR_INVALID_OPTION` for an option that decides how a connection is made. */
export function refuseConnectionOptions(options: HttpOptions, host: string): void {
  const { agent, rejectUnauthorized, servername, checkServerIdentity: check } = options
  for (const name of OF_THE_CLIENT) {
    const value = (options as Record<string, unknown>)[name]
    if (value !== undefined && value !== null && value !== false) throw ofTheClient(name)
  }
  if (rejectUnauthorized === false) throw ofTheClient('rejectUnauthorized')
  if (check !== undefined && check !== checkServerIdentity) throw ofTheClient('checkServerIdentity')
  if (servername !== undefined && servername !== '' && servername !== host) throw ofTheClient('servername')
  if (agent !== undefined && agent !== null && typeof agent !== 'boolean') refuseAgent(agent)
}

function ofTheClient(name: string): UsageError {
  const message = `option ${name} has no effect on a request: set the options of connections on the client, with createClient()`
  return new UsageError('ERR_INVALID_OPTION', message)
}

/** Node's own agents limit and keep connections, as the client does. Others connect in their own way. */
function refuseAgent(agent: object): void {
  const kind = Object.getPrototypeOf(agent)
  const isPlain = kind === HttpAgent.prototype || kind === HttpsAgent.prototype
  if (!isPlain) throw ofTheClient('agent')
  refuseConnectionOptions({ ...(agent as HttpsAgent).options, agent: undefined } as HttpOptions, '')
}
