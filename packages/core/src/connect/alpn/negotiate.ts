/** What ALPN chose becomes an engine (RFC 9113 §3.2, RFC 7301). The HTTP/1.1 one is loaded when the first server wants it. */

import { ConnectError } from '../../errors/errors.js'
import type { H1Options } from '../../h1/connection.js'
import { H2Connection } from '../../h2/connection.js'
import type { H2Options } from '../../h2/connection-options.js'
import type { Connection } from '../../transport/connection.js'
import type { Carrier, Route } from '../../transport/route.js'
import type { PoolTarget } from '../../transport/target.js'

/**
 * Puts the engine for `protocol` on `socket`. Where that leads to a proxy that forwards requests, `forwarding` is what it is sent with
 * each of them: name, value, name, value.
 * @throws ConnectError phase `negotiate` for a protocol that was never offered.
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
      throw new ConnectError('negotiate', `${origin} chose ${JSON.stringify(protocol)}, which was not offered`, { origin })
    }
  }
}

async function startHttp1(
  socket: Carrier,
  route: Route,
  options: H1Options,
  forwarding: readonly string[] | undefined,
): Promise<Connection> {
  // While the engine is being loaded nobody else looks after the socket: an error has to be seen, not thrown.
  let failure: Error | undefined
  const onError = (error: Error): void => {
    failure = error
  }
  socket.on('error', onError)
  const { H1Connection } = await import('../../h1/connection.js')
  socket.off('error', onError)
  const origin = route.origin.serialized
  if (socket.readableLength > 0) {
    // It would be taken for the answer to the first request (RFC 9112 §9.2: answers bear no number).
    failure = new Error(`${socket.readableLength} bytes came before anything was asked`)
    socket.destroy()
  }
  if (failure === undefined && !socket.destroyed) return new H1Connection(socket, route, options, forwarding)
  throw new ConnectError(
    'negotiate',
    `${origin} is of no use after the handshake: ${failure?.message ?? 'it closed the connection'}`,
    { origin, cause: failure },
  )
}
