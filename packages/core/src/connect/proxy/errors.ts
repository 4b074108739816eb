/**
 * Creates errors about a proxy for requests: phase `proxy`, with the name of the proxy, never its
 * credentials.
 */

import type { UnshardCode } from '../../errors/codes.js'
import { ConnectError, TimeoutError, textOf, UnshardError, UsageError } from '../../errors/errors.js'
import type { Target, TargetProxy } from '../../transport/target.js'

/** RFC 9110 §15.5.8. */
const PROXY_AUTHENTICATION_REQUIRED = 407

/** Creates an error about `proxy`. The message is "proxy http://…" followed by `what`. */
export function proxyError(
  proxy: TargetProxy,
  { origin }: Target,
  what: string,
  details: { readonly cause?: unknown; readonly status?: number } = {},
): ConnectError {
  const { status } = details
  const message = `proxy ${proxy.name} ${what}`
  const code = status === PROXY_AUTHENTICATION_REQUIRED ? 'ERR_PROXY_AUTHENTICATION' : 'ERR_CONNECT_PROXY'
  return new ConnectError('proxy', message, { ...details, code, origin: origin.serialized })
}

/**
 * Creates the error for a CONNECT response other than 2xx. Omits the reason phrase and content,
 * which the proxy chose.
 */
export function refusedByProxy(proxy: TargetProxy, target: Target, status: number): ConnectError {
  const what = status === PROXY_AUTHENTICATION_REQUIRED ? 'credentials are missing or wrong' : 'it did not open a tunnel'
  return proxyError(proxy, target, `answered CONNECT with ${status}: ${what}`, { status })
}

/**
 * Converts an error of the connection to the proxy into an error of the request. Keeps deadlines
 * and abort reasons; options rejected by OpenSSL are those of the proxy.
 */
export function asProxyError(error: unknown, proxy: TargetProxy, target: Target): unknown {
  if (error instanceof TimeoutError) {
    return new TimeoutError(error.phase, error.ms, { origin: target.origin.serialized, processed: 'no' })
  }
  if (!(error instanceof UnshardError)) return error
  if (error instanceof UsageError) {
    const details = { origin: target.origin.serialized, cause: error.cause }
    return new UsageError(error.code as UnshardCode, `proxy ${proxy.name}: ${textOf(error)}`, details)
  }
  if (error.code === 'ERR_ADDRESS_FORBIDDEN') return forbiddenProxy(error, proxy, target)
  return proxyError(proxy, target, `cannot be used: ${textOf(error)}`, { cause: error.cause ?? error })
}

/** The address of the proxy, or that of the origin if SOCKS requires it, is forbidden. */
function forbiddenProxy(error: UnshardError, proxy: TargetProxy, { origin }: Target): ConnectError {
  if (error.origin === origin.serialized && error instanceof ConnectError) return error
  const message = `proxy ${proxy.name} cannot be used: ${textOf(error)}`
  return new ConnectError('resolve', message, { code: 'ERR_ADDRESS_FORBIDDEN', origin: origin.serialized })
}
