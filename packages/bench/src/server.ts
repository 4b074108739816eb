/**
 * Server process: nghttpd for HTTP/2 (nginx if a scenario asks for it), nginx for HTTP/1.1, and the
 * testkit's own server for those that are not installed. Its children inherit the core it is pinned
 * to and end with it.
 * Arguments: `own` to ignore installed servers; `nginx` to use it for HTTP/2 too.
 */

import {
  createAuthority,
  type ExternalServer,
  type ExternalServerOptions,
  type NghttpdOptions,
  startNghttpd,
  startNginx,
} from '@unshard/testkit'
import { OWN_SERVER, type Protocol } from './competitor.js'
import { startOwnServer } from './own-server.js'
import { CONTENT_TEXT, LARGE_BYTES, LARGE_PATH } from './scenarios/contents.js'

export interface Listening {
  readonly name: string
  readonly port: number
}

export interface Servers {
  readonly ca: string
  readonly at: Readonly<Record<Protocol, Listening>>
}

const words = process.argv.slice(2)
const large = Buffer.alloc(LARGE_BYTES, CONTENT_TEXT)
const authority = await createAuthority()
const tls = await authority.issue({ names: ['localhost'], ips: ['127.0.0.1'] })
const options: ExternalServerOptions = { tls, files: { [LARGE_PATH.slice(1)]: large } }
const external: ExternalServer[] = []

process.once('disconnect', () => {
  void Promise.all(external.map((server) => server.stop())).finally(() => process.exit())
})
process.send!(await start())

async function start(): Promise<Servers> {
  const own = words.includes('own')
  const http1 = own ? undefined : await startNginx(options)
  const h2 = own ? undefined : words.includes('nginx') ? http1 : await startNghttpd(options satisfies NghttpdOptions)
  external.push(...new Set([h2, http1].filter((server) => server !== undefined)))
  const fallback = h2 === undefined || http1 === undefined ? await startOwnServer(tls, large) : undefined
  const listening = (server: ExternalServer | undefined): Listening =>
    server === undefined ? { name: OWN_SERVER, port: fallback!.port } : { name: server.name, port: server.port }
  return { ca: authority.ca, at: { h2: listening(h2), 'http/1.1': listening(http1) } }
}
