/**
 * Creates the engine for the protocol that ALPN chose (RFC 9113 §3.2, RFC 7301). The HTTP/1.1
 * engine is loaded on first use.
 */

import { ConnectError } from '../../errors/errors.js'
import type { H1Options } from '../../h1/connection.js'
import { H2Connection } from '../../h2/connection.js'
import type { H2Options } from '../../h2/connection-options.js'
import type { Connection } from '../../transport/connection.js'
import type { Carrier, Route } from '../../transport/route.js'
import type { PoolTarget } from '../../transport/target.js'

/**
 * Creates the engine for `protocol` on `socket`. On a connection to a forwarding proxy,
 * `forwarding` are the fields added to each request: name, value, name, value.
 * @throws ConnectError phase `negotiate` for a protocol that was not offered.
 */
export async function negotiate(
  socket: Carrier,
  protocol: string | undefined,
  route: Route,
  { settings, record }: Pick<PoolTarget, 'settings' | 'record'>,
  options: Omit<H2Options, 'pool' | 'record'>,
  forwarding?: readonly string[],
): Promise<Connection> {
  switch (protocol) {
    case 'h2':
      return new H2Connection(socket, route, { ...options, pool: settings, record })
    case undefined:
    case 'http/1.1':
      return startHttp1(
        socket,
        route,
        {
          maxFieldSectionBytes: options.settings.maxFieldSectionBytes,
          pool: settings,
          record,
          clock: options.clock,
          reads: options.reads,
        },
        forwarding,
      )
    default: {
      socket.destroy()
      const origin = route.origin.serialized
      throw new ConnectError('negotiate', `the server chose protocol ${JSON.stringify(protocol)}, which was not offered`, {
        origin,
      })
    }
  }
}

async function startHttp1(
  socket: Carrier,
  route: Route,
  options: H1Options,
  forwarding: readonly string[] | undefined,
): Promise<Connection> {
  // While the engine is loaded nothing else handles errors of the socket: record them.
  let failure: Error | undefined
  const onError = (error: Error): void => {
    failure = error
  }
  socket.on('error', onError)
  const { H1Connection } = await import('../../h1/connection.js')
  socket.off('error', onError)
  const origin = route.origin.serialized
  if (socket.readableLength > 0) {
    // They would be parsed as the response to the first request (RFC 9112 §9.2: responses have no
    // id).
    failure = new Error(`the server sent ${socket.readableLength} bytes before any request`)
    socket.destroy()
  }
  if (failure === undefined && !socket.destroyed) return new H1Connection(socket, route, options, forwarding)
  throw new ConnectError(
    'negotiate',
    `the connection failed right after the handshake: ${failure?.message ?? 'the server closed it'}`,
    { origin, cause: failure },
  )
}
