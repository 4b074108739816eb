/** A tunnel through a SOCKS proxy (RFC 1928, RFC 1929), by the package `socks`, which is loaded when the first one is asked for. */

import type { Socket } from 'node:net'
import type { Target } from '../../transport/target.js'
import { proxyError } from './errors.js'
import type { ProxyServer } from './proxy-options.js'

/** The longest a timer can run: the dial has its own deadline. */
const NO_TIMEOUT_MS = 0x7fff_ffff

/**
 * Makes a tunnel of `socket`, which is connected to the proxy. `host` is a name or an address: a name is resolved by the proxy.
 * @throws ConnectError phase `proxy`; the reason of `signal`. The socket is destroyed then.
 */
export async function connectOverSocks(
  socket: Socket,
  proxy: ProxyServer,
  target: Target,
  host: string,
  signal: AbortSignal,
): Promise<void> {
  const onAbort = (): void => void socket.destroy()
  // Between one owner and the next an error must not become an exception of the process.
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
        type: proxy.scheme.startsWith('socks4') ? 4 : 5,
        ...(proxy.user === undefined ? {} : { userId: proxy.user, password: proxy.password ?? '' }),
      },
      command: 'connect',
      destination: { host, port: target.origin.port },
      existing_socket: socket,
      timeout: NO_TIMEOUT_MS,
    })
  } catch (cause) {
    socket.destroy()
    if (signal.aborted) throw signal.reason
    // The library's error carries the options it was given, password included: its message is all that goes on.
    const reason = new Error(cause instanceof Error ? cause.message : String(cause))
    throw proxyError(proxy, target, `opened no tunnel: ${reason.message}`, { cause: reason })
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
