/** Names and values of the semantic conventions of OpenTelemetry for HTTP clients. */

import type { Attributes } from '@opentelemetry/api'
import { parseOrigin } from '@unshard/core'

/** Methods with a meaning of their own; others are `_OTHER`, so that a server cannot be flooded with metrics. */
const KNOWN_METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'])

/** Query parameters that hold a signature of a URL. */
const SIGNATURES = new Set(['AWSAccessKeyId', 'Signature', 'sig', 'X-Goog-Signature'])

/** Returns the method, or `_OTHER`. */
export function methodName(method: string): string {
  return KNOWN_METHODS.has(method) ? method : '_OTHER'
}

/** `server.address` and `server.port` of an origin. A Unix socket has its path as the address, and no port. */
export function serverAttributes(origin: string): Attributes {
  const { host, port, socketPath } = parseOrigin(origin)
  return socketPath === undefined ? { 'server.address': host, 'server.port': port } : { 'server.address': socketPath }
}

/** `url.scheme` of an origin. */
export function schemeOf(origin: string): string {
  return parseOrigin(origin).scheme
}

/** The URL of a request, without the values of signatures. */
export function shownUrl(origin: string, path: string): string {
  const start = path.indexOf('?') + 1
  if (start === 0) return origin + path
  const shown = path
    .slice(start)
    .split('&')
    .map((parameter) => {
      const name = parameter.slice(0, parameter.indexOf('='))
      return SIGNATURES.has(name) ? `${name}=REDACTED` : parameter
    })
  return origin + path.slice(0, start) + shown.join('&')
}

/** `network.protocol.version`. */
export function protocolVersion(protocol: 'h2' | 'http/1.1'): string {
  return protocol === 'h2' ? '2' : '1.1'
}

/** Whether a request was ended by its caller, which is not an error. */
export function isAbort(error: unknown): boolean {
  return (error as { name?: unknown } | null | undefined)?.name === 'AbortError'
}

/** `error.type`: the code of an error, or its class. */
export function errorType(error: unknown): string {
  // The reason of a signal may be any value, of any realm.
  const { code, name } = Object(error) as { code?: unknown; name?: unknown }
  if (typeof code === 'string') return code
  return typeof name === 'string' && name !== '' ? name : '_OTHER'
}

/** `error.type` of a request: of its error, or a status from 400; `undefined` for a success and an abort. */
export function outcomeType(error: unknown, status: number | undefined): string | undefined {
  if (error !== undefined) return isAbort(error) ? undefined : errorType(error)
  return status !== undefined && status >= 400 ? String(status) : undefined
}
