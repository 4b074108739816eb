/** What goes wrong with a proxy, in the words of a request: phase `proxy`, the proxy by its name, never its credentials. */

import type { UnshardCode } from '../../errors/codes.js'
import { ConnectError, TimeoutError, UnshardError, UsageError } from '../../errors/errors.js'
import type { Target, TargetProxy } from '../../transport/target.js'

/** RFC 9110 §15.5.8. */
const PROXY_AUTHENTICATION_REQUIRED = 407

/** An error about `proxy`, met on the way to `target`. `what` goes on where "proxy http://…" begins. */
export function proxyError(
  proxy: TargetProxy,
  { origin }: Target,
  what: string,
  details: { readonly cause?: unknown; readonly status?: number } = {},
): ConnectError {
  const { status } = details
  const message = `proxy ${proxy.name} ${what} (for ${origin.serialized})`
  const code = status === PROXY_AUTHENTICATION_REQUIRED ? 'ERR_PROXY_AUTHENTICATION' : 'ERR_CONNECT_PROXY'
  return new ConnectError('proxy', message, { ...details, code, origin: origin.serialized })
}

/** The answer to a CONNECT that was not 2xx. Its reason phrase and content are the proxy's own words, and are not repeated. */
export function refusedByProxy(proxy: TargetProxy, target: Target, status: number): ConnectError {
  const what = status === PROXY_AUTHENTICATION_REQUIRED ? 'wants other credentials, or any' : 'opened no tunnel'
  return proxyError(proxy, target, `answered CONNECT with ${status}: it ${what}`, { status })
}

/**
 * What was said about the connection to the proxy, as an error of the request that needed it. Deadlines and reasons of abort stay what
 * they are; options that OpenSSL refuses are those of the proxy.
 */
export function asProxyError(error: unknown, proxy: TargetProxy, target: Target): unknown {
  if (error instanceof TimeoutError) {
    return new TimeoutError(error.phase, error.ms, { origin: target.origin.serialized, processed: 'no' })
  }
  if (!(error instanceof UnshardError)) return error
  if (error instanceof UsageError) {
    const details = { origin: target.origin.serialized, cause: error.cause }
    return new UsageError(error.code as UnshardCode, `proxy ${proxy.name}: ${error.message}`, details)
  }
  return proxyError(proxy, target, `cannot be used: ${error.message}`, { cause: error.cause ?? error })
}
