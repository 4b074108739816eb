/** The route of a new connection. */

import type { TlsInfo } from '../message/tls-info.js'
import type { Address, Carrier, Certificate, Route } from '../transport/route.js'
import type { PoolTarget } from '../transport/target.js'

/** The result of a TLS handshake, as far as a route records it. */
interface SecuredPeer {
  readonly certificate: Certificate | undefined
  readonly authorized: boolean
  readonly tls: TlsInfo | undefined
}

/** TLS settings of the client, as far as a route records them. */
interface ClientIdentity {
  readonly lenient: boolean
  readonly clientCertificate: boolean
}

/** Describes how a connection was made. @param secured `undefined` without TLS. */
export function routeOf(
  { remoteAddress, remotePort, localAddress, localPort }: Carrier,
  { origin, reuseKey, proxy, isolation }: PoolTarget,
  addresses: readonly Address[],
  secured: SecuredPeer | undefined,
  { lenient, clientCertificate }: ClientIdentity,
): Route {
  return {
    origin,
    reuseKey,
    isolation,
    proxy: proxy?.name,
    remoteAddress,
    remotePort,
    addresses,
    localAddress,
    localPort,
    certificate: secured?.certificate,
    tls: secured?.tls,
    authorized: secured?.authorized ?? false,
    lenient,
    clientCertificate: secured !== undefined && clientCertificate,
  }
}
