/**
 * The servers' process: nghttpd for HTTP/2 and nginx for HTTP/1.1 (nghttpd has none), and where one is not installed, the testkit's
 * own server in its place. What it starts inherits the core it is pinned to, and ends with it.
 */

import {
  createAuthority,
  type Delivery,
  type ExternalServer,
  SMALL_TEXT,
  startNghttpd,
  startNginx,
  startOriginServer,
} from '@unshard/testkit'
import { OWN_SERVER, type Protocol } from './competitor.js'

export interface Listening {
  readonly name: string
  readonly port: number
}

export interface Servers {
  readonly ca: string
  readonly at: Readonly<Record<Protocol, Listening>>
}

const FORGET_EVERY_MS = 100

const external: ExternalServer[] = []
const authority = await createAuthority()
const tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })

process.once('disconnect', () => {
  void Promise.all(external.map((server) => server.stop())).finally(() => process.exit())
})
process.send!(await start(process.argv[2] === 'own'))

async function start(own: boolean): Promise<Servers> {
  const h2 = own ? undefined : await startNghttpd({ tls })
  const http1 = own ? undefined : await startNginx({ tls })
  external.push(...[h2, http1].filter((server) => server !== undefined))
  const fallback = h2 === undefined || http1 === undefined ? await startOwn() : undefined
  const listening = (server: ExternalServer | undefined): Listening =>
    server === undefined ? fallback! : { name: server.name, port: server.port }
  return { ca: authority.ca, at: { h2: listening(h2), 'http/1.1': listening(http1) } }
}

async function startOwn(): Promise<Listening> {
  const server = await startOriginServer({
    tls,
    handler(_, response) {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': SMALL_TEXT.length })
      response.end(SMALL_TEXT)
    },
  })
  // It keeps account of every request, for tests. Here that would be a million of them.
  setInterval(() => (server.requests as Delivery[]).splice(0), FORGET_EVERY_MS).unref()
  return { name: OWN_SERVER, port: server.port }
}
