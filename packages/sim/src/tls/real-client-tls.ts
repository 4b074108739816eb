/** `tls.connect` of a world with real TLS: Node's own, over a modelled connection. */

import type { Duplex } from 'node:stream'
import type { ConnectionOptions, SecureContext, TLSSocket } from 'node:tls'
import { realContext, realTlsConnect } from '../kernel/builtins.js'
import { connectSocket, SimSocket, type SocketWorld } from '../network/client-socket.js'
import { trustedAuthority } from './certificates.js'

/** Methods and properties of a connection that TLS does not have when its carrier has no handle. */
const FORWARDED = ['setKeepAlive', 'setNoDelay', 'ref', 'unref'] as const
const READ = ['remoteAddress', 'remotePort', 'remoteFamily', 'localAddress', 'localPort'] as const

let context: SecureContext | undefined

export function connectRealTls(world: SocketWorld, options: ConnectionOptions): TLSSocket {
  const { onread, lookup, host, port, socket: given, ...tls } = options as ConnectionOptions & { onread?: object }
  const carrier = given ?? connectSocket(world, { host, port, lookup } as Parameters<typeof connectSocket>[1])
  context ??= realContext({ ca: trustedAuthority() })
  const socket = realTlsConnect({
    ...tls,
    ...(onread === undefined ? {} : { onread }),
    host,
    socket: carrier,
    secureContext: context,
  } as ConnectionOptions)
  if (carrier instanceof SimSocket) forward(carrier, socket)
  else (carrier as Duplex).once('error', (error) => socket.destroy(error))
  return socket
}

function forward(carrier: SimSocket, socket: TLSSocket): void {
  carrier.once('connect', () => socket.emit('connect'))
  carrier.once('error', (error) => socket.destroy(error))
  for (const name of FORWARDED) {
    const forwarded = (...args: never[]): TLSSocket => {
      ;(carrier[name] as (...args: never[]) => unknown)(...args)
      return socket
    }
    Object.defineProperty(socket, name, { value: forwarded })
  }
  for (const name of READ) Object.defineProperty(socket, name, { get: () => carrier[name] })
}
