/** TLS servers of the demo in a separate process, with certificates of a temporary authority. */

import { createAuthority, type OriginServer, type OriginServerOptions, startOriginServer } from '@unshard/testkit'
import { bodyOf, ODD_HOSTS, type Seen, type Servers, SHARDS } from './scenario.js'

const authority = await createAuthority()
const wildcard = await authority.issue({ names: ['*.demo.example'] })
const own = await authority.issue({ names: [ODD_HOSTS.ownCertificate] })

const handler: NonNullable<OriginServerOptions['handler']> = (request, response) => {
  const host = String(request.headers[':authority'] ?? request.headers.host).replace(/:\d+$/, '')
  response.end(bodyOf(host, request.url ?? ''))
}

const shared = await startOriginServer({ tls: wildcard, sni: { [ODD_HOSTS.ownCertificate]: own }, handler })
const elsewhere = await startElsewhere(shared.port, ['127.0.0.2', '::1'], { tls: wildcard, handler })
const http1 = await startElsewhere(shared.port, ['127.0.0.3', '::1'], { tls: wildcard, handler, protocols: ['http/1.1'] })
const all = [shared, elsewhere, http1]

/**
 * The same port at another loopback address: the port is part of the origin, so that only the
 * address differs.
 */
async function startElsewhere(port: number, addresses: readonly string[], options: OriginServerOptions): Promise<OriginServer> {
  for (const address of addresses) {
    try {
      return await startOriginServer({ ...options, address, port })
    } catch {
      // Not every system has every loopback address.
    }
  }
  throw new Error(`no second loopback address available: tried ${addresses.join(', ')}`)
}

const hosts: Record<string, string> = {
  [ODD_HOSTS.ownCertificate]: shared.address,
  [ODD_HOSTS.otherAddress]: elsewhere.address,
  [ODD_HOSTS.http1Only]: http1.address,
}
for (const host of SHARDS) hosts[host] = shared.address

let before: Seen = { connections: 0, handshakes: 0 }
process.on('message', () => {
  const connections = all.reduce((sum, server) => sum + server.connections, 0)
  const handshakes = all.reduce((sum, server) => sum + server.handshakes, 0)
  process.send!({ connections: connections - before.connections, handshakes: handshakes - before.handshakes } satisfies Seen)
  before = { connections, handshakes }
})
process.on('disconnect', () => process.exit())
process.send!({ ca: authority.ca, port: shared.port, hosts } satisfies Servers)
