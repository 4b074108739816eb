/** The socket of a connection as instrumentations read it: its addresses and the result of ALPN. The socket itself stays out of reach. */

import { isIP } from 'node:net'
import type { Route } from '../transport/route.js'

/** The members of a socket that instrumentations read. */
export interface SocketView {
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: string | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  /** `h2`, also without TLS; `false` if ALPN chose nothing, as in Node. */
  readonly alpnProtocol: string | false
  readonly encrypted: boolean
  readonly authorized: boolean
  readonly servername: string
}

const views = new WeakMap<Route, SocketView>()

/** Returns the view of a connection's socket: the same object each time. */
export function socketView(route: Route, protocol: 'h2' | 'http/1.1'): SocketView {
  let view = views.get(route)
  if (view === undefined) {
    const { origin, remoteAddress, remotePort, localAddress, localPort, authorized, tls } = route
    const encrypted = origin.scheme === 'https'
    view = {
      remoteAddress,
      remotePort,
      remoteFamily: remoteAddress === undefined ? undefined : `IPv${isIP(remoteAddress)}`,
      localAddress,
      localPort,
      alpnProtocol: protocol === 'h2' ? 'h2' : tls === undefined ? false : 'http/1.1',
      encrypted,
      authorized,
      servername: origin.host,
    }
    views.set(route, view)
  }
  return view
}
