/**
 * Server process of the cold start: nginx twice and nghttpd, each behind a proxy that delays all
 * bytes and counts connections. Its children inherit the core it is pinned to and end with it. Any
 * message asks for the counts since the last one.
 */

import { createAuthority, startNghttpd, startNginx, startTcpProxy, type TcpProxy } from '@unshard/testkit'
import { CERTIFICATE_NAMES, type Listening, type Place, type Places, type Seen } from './task.js'

/** One way: half of the round trip. */
const delayMs = Number(process.argv[2])

const authority = await createAuthority()
const tls = await authority.issue({ names: CERTIFICATE_NAMES })
// nghttpd does not support X25519, which costs every OpenSSL client a round trip (RFC 8446 §4.1.4):
// it is used only for its limit of 100 streams.
const roomy = await startNginx({ tls, maxConcurrentStreams: 256 })
const nginx = await startNginx({ tls })
const nghttpd = await startNghttpd({ tls })
const running = { h2: roomy, 'h2-100': nghttpd, 'h2-128': nginx, 'http/1.1': nginx } as const
const proxies: TcpProxy[] = []
const at: Partial<Record<Place, Listening>> = {}
for (const [place, server] of Object.entries(running)) {
  if (server === undefined) continue
  const proxy = await startTcpProxy(server.port, { delayMs })
  proxies.push(proxy)
  at[place as Place] = { server: server.name, port: proxy.port }
}

let before: Seen = { connections: 0, handshakes: 0 }
process.on('message', () => {
  const connections = proxies.reduce((sum, proxy) => sum + proxy.connections, 0)
  const handshakes = proxies.reduce((sum, proxy) => sum + proxy.handshakes, 0)
  process.send!({ connections: connections - before.connections, handshakes: handshakes - before.handshakes } satisfies Seen)
  before = { connections, handshakes }
})
process.once('disconnect', () => {
  void Promise.all([roomy, nginx, nghttpd].map((server) => server?.stop())).finally(() => process.exit())
})
process.send!({ ca: authority.ca, at } satisfies Places)
