/**
 * Opens tunnels through SOCKS proxies (RFC 1928, RFC 1929) with the package `socks`, which is
 * loaded on first use.
 */

import type { Socket } from 'node:net'
import type { Target } from '../../transport/target.js'
import { proxyError } from './errors.js'
import { type ProxyServer, schemeOf } from './proxy-options.js'

/**
 * Time limit that the library is given, in milliseconds. Longer than any dial, which has its own deadline. Limited all the same: the library
 * never cancels its timer, which keeps the tunnel's socket and options in memory.
 */
const NEGOTIATION_MS = 600_000

/**
 * Opens a tunnel over `socket`, which is connected to the proxy. `host` is an address, or a name
 * that the proxy resolves.
 * @throws ConnectError phase `proxy`; the reason of `signal`. The socket is destroyed in both
 *   cases.
 */
export async function connectOverSocks(
  socket: Socket,
  proxy: ProxyServer,
  target: Target,
  host: string,
  signal: AbortSignal,
): Promise<void> {
  const onAbort = (): void => void socket.destroy()
  // An error while the socket changes owners must not crash the process.
  socket.on('error', () => undefined)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const { SocksClient } = (await import('socks')).default
    if (signal.aborted) throw signal.reason
    if (socket.destroyed) throw new Error('the proxy closed the connection')
    await SocksClient.createConnection({
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: schemeOf(proxy).version ?? 5,
        ...(proxy.user === undefined ? {} : { userId: proxy.user, password: proxy.password ?? '' }),
      },
      command: 'connect',
      destination: { host, port: target.origin.port },
      existing_socket: socket,
      timeout: NEGOTIATION_MS,
    })
  } catch (cause) {
    socket.destroy()
    if (signal.aborted) throw signal.reason
    // The library's error contains its options, including the password: keep only the message.
    const reason = new Error(cause instanceof Error ? cause.message : String(cause))
    throw proxyError(proxy, target, `did not open a tunnel: ${reason.message}`, { cause: reason })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
