/**
 * The servers of the suites in `suites/`, in a process on Node.js. Prints one line of JSON with
 * their ports, and ends with its standard input.
 *
 * Each response names its connection (`x-connection`), the TLS server name (`x-name`), and whether
 * the server saw a resumed session (`x-resumed`).
 */

import type { TLSSocket } from 'node:tls'
import {
  authorityOf,
  createAuthority,
  createDefaultRoutes,
  type OriginHandler,
  type OriginServerOptions,
  startOriginServer,
} from '@unshard/testkit'
import type { ServerReport } from './server-report.js'

/** Hosts per family. */
const HOSTS = 12

const authority = await createAuthority()
const routes = createDefaultRoutes()
const ids = new WeakMap<object, number>()
let connections = 0
/** Bytes that the last response to `/flood` could write. */
let flooded = 0

/** Writes without end, as fast as the client reads. */
const flood: OriginHandler = (_request, response) => {
  const part = Buffer.alloc(65_536)
  const fill = (): void => {
    do flooded += part.length
    while (response.write(part))
  }
  flooded = 0
  response.writeHead(200)
  response.on('drain', fill)
  fill()
}

const handler: OriginHandler = (request, response) => {
  const owner = request.stream?.session ?? request.socket
  let id = ids.get(owner)
  if (id === undefined) {
    id = ++connections
    ids.set(owner, id)
  }
  const socket = request.socket as Partial<TLSSocket> & { servername?: string | false }
  const { servername } = socket
  response.setHeader('x-connection', String(id))
  response.setHeader('x-name', servername || 'none')
  response.setHeader('x-resumed', String(socket.isSessionReused?.() ?? false))
  // The last response of its connection.
  if (request.url === '/last') {
    if (request.stream === undefined) response.setHeader('connection', 'close')
    else request.stream.session?.close()
    response.end('last')
  } else if (request.url === '/own' && servername !== authorityOf(request).replace(/:\d+$/, '')) {
    response.writeHead(421).end()
  } else if (request.url === '/own') response.end('own')
  else if (request.url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end('id: 1\ndata: one\n\nid: 2\ndata: two\n\n')
  } else if (request.url === '/flood') flood(request, response)
  else if (request.url === '/flooded') response.end(String(flooded))
  // Neither reads nor responds.
  else if (request.url !== '/hold') routes.handler(request, response)
}

const numbered = (family: string): string[] => Array.from({ length: HOSTS }, (_, number) => `h${number}.${family}.example`)
const issue = (...names: string[]) => authority.issue({ names })
const start = async (options: OriginServerOptions): Promise<number> => (await startOriginServer({ handler, ...options })).port

const [named, wild, one, two, old, revoked] = await Promise.all([
  issue(...numbered('named')),
  issue('*.wild.example'),
  issue('*.one.example'),
  issue('*.two.example'),
  issue('*.old.example'),
  issue('*.revoked.example'),
])
const report: ServerReport = {
  ca: authority.ca,
  crl: await authority.revoke(revoked),
  named: await start({ tls: named }),
  wild: await start({ tls: wild }),
  /** One address and port, and a certificate for each family. */
  apart: await start({ tls: one, sni: { '*.two.example': two } }),
  revoked: await start({ tls: revoked }),
  old: await start({ tls: old, protocols: ['http/1.1'] }),
  plain: await start({}),
  /** Its certificate names all hosts, and its ORIGIN frame only two. */
  origins: await start({
    tls: named,
    origins: (port) => [`https://h0.named.example:${port}`, `https://h1.named.example:${port}`],
  }),
  few: await start({ tls: wild, settings: { maxConcurrentStreams: 10 } }),
}
process.stdout.write(`${JSON.stringify(report)}\n`)
process.stdin.on('end', () => process.exit()).resume()
