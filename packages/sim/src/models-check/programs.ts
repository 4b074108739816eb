/** Real programs, started with their defaults as far as a test can. */

import {
  type Credentials,
  type ExternalServer,
  type ExternalServerOptions,
  startApache,
  startCaddy,
  startGo,
  startH2o,
  startHaproxy,
  startNghttpd,
  startNginx,
} from '@unshard/testkit'
import { MODELS } from '../server/models/all.js'
import { goProgram } from './go-program.js'
import { startNodeHttp2, startNodeHttps } from './node-servers.js'
import { OTHER, type RealServer, SLOW, SLOW_MS } from './real-server.js'

/** Starts a program; `undefined` if it is not installed. */
export type Start = (tls: Credentials) => Promise<RealServer | undefined>

/** How a program is started. */
export interface Program {
  readonly start: Start
  /** For HTTP/1.1, where that is another server. */
  readonly http1?: Start
  /** Told to refuse hosts on connections of others, as it does with certificates of clients. */
  readonly strict?: Start
  /** With its default number of requests for each connection. */
  readonly limited?: Start
}

type ExternalStart = (options: ExternalServerOptions) => Promise<ExternalServer | undefined>

/** Content of unknown length, where a program forwards; nothing that it could pass on about the connection behind it. */
const behind: NonNullable<ExternalServerOptions['behind']> = ({ url }, response) => {
  response.setHeader('connection', 'close')
  if (url === SLOW) return void setTimeout(() => response.end('ok'), SLOW_MS)
  response.write('one')
  setTimeout(() => response.end('two'), 50)
}

function external(start: ExternalStart, options: ExternalServerOptions = {}): Start {
  return async (tls) => {
    const server = await start({ tls, behind, http1: true, ...options })
    if (server === undefined) return undefined
    const { reload } = server
    const shutdown = reload ?? (() => Promise.resolve(void process.kill(server.pid, 'SIGTERM')))
    return { port: server.port, stop: () => server.stop(), shutdown }
  }
}

const startGoServer: Start = async ({ cert, key }) => {
  const idleMs = MODELS['go']!.h2!.idleMs!
  const server = await startGo(goProgram(idleMs / 1_000), { 'cert.pem': cert, 'key.pem': key })
  if (server === undefined) return undefined
  return { port: server.port, stop: () => server.stop(), shutdown: () => Promise.resolve(server.kill('SIGTERM')) }
}

/** By the name of the model. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  nginx: {
    start: external(startNginx),
    limited: external((options) => startNginx({ ...options, keepaliveRequests: 1_000 })),
  },
  go: { start: startGoServer },
  node: { start: startNodeHttp2, http1: startNodeHttps },
  apache: { start: external(startApache), strict: external(startApache, { strictHost: OTHER }) },
  haproxy: { start: external((options) => startHaproxy({ ...options, bufferBytes: 16_384 })) },
  h2o: { start: external(startH2o) },
  caddy: { start: external(startCaddy), strict: external(startCaddy, { strictHost: OTHER }) },
  nghttpd: { start: external(startNghttpd) },
}
