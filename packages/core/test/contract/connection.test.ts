/**
 * The contract suite for every engine, and for Node's HTTP/2 client as an oracle: if the oracle
 * fails, the suite is wrong.
 */

import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  connectionContract,
  createAuthority,
  type EngineTraits,
  NodeHttp2Connection,
  type OriginServer,
  startOriginServer,
} from '@unshard/testkit'
import { H1Connection } from '../../src/h1/connection.js'
import { H2Connection } from '../../src/h2/connection.js'
import { WindowBudget } from '../../src/h2/protocol/window.js'
import { parseOrigin } from '../../src/index.js'
import { checkRequest } from '../../src/message/request.js'
import { ResponseBody } from '../../src/message/response-body.js'
import { systemClock } from '../../src/runtime/clock.js'
import { type Connection, nextConnectionId } from '../../src/transport/connection.js'
import type { Route } from '../../src/transport/route.js'
import { originRecord, POOL } from '../fixtures.js'

const H2: EngineTraits = {
  protocol: 'h2',
  multiplexes: true,
  pings: true,
  requestTrailers: true,
  unreadBytes: 1_048_576,
  unsentBytes: 1_048_576,
  checksContent: true,
  seesCutBody: true,
}
const H1: EngineTraits = {
  protocol: 'http/1.1',
  multiplexes: false,
  pings: false,
  requestTrailers: false,
  unreadBytes: 33_554_432,
  unsentBytes: 33_554_432,
  checksContent: true,
  seesCutBody: true,
}
/** Node 20 treats a truncated body as complete; later versions reset it. */
const seesCutBody = Number(process.versions.node.split('.')[0]) >= 22
const ORACLE: EngineTraits = { ...H2, checksContent: false, seesCutBody }

const authority = createAuthority()
const credentials = authority.then((each) => each.issue({ names: ['localhost'], ips: ['127.0.0.1'] }))

async function connect(server: OriginServer, secure: boolean, protocol: string): Promise<Socket> {
  const to = { host: server.address, port: server.port, noDelay: true }
  if (!secure) {
    const socket = connectTcp(to)
    await once(socket, 'connect')
    return socket
  }
  const { ca } = await authority
  const socket = connectTls({ ...to, ca, ALPNProtocols: [protocol] })
  await once(socket, 'secureConnect')
  expect(socket.alpnProtocol).toBe(protocol)
  return socket
}

function routeOf(server: OriginServer, socket: Socket): Route {
  const { remoteAddress, remotePort, localAddress, localPort } = socket
  return {
    origin: parseOrigin(server.url()),
    reuseKey: '',
    proxy: undefined,
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    certificate: undefined,
    authorized: true,
    lenient: false,
    addresses: [],
    clientCertificate: false,
  }
}

/** Resolves after SETTINGS were received. */
async function h2(socket: Socket, route: Route): Promise<Connection> {
  const settings = { initialWindowBytes: 131_072, connectionWindowBytes: 16_777_216, headerTableBytes: 4_096 }
  const connection = new H2Connection(socket, route, {
    settings: { ...settings, maxFieldSectionBytes: 65_536 },
    budget: new WindowBudget(67_108_864),
    clock: systemClock,
    pool: POOL,
    record: originRecord(),
  })
  await new Promise<void>((resolve) => {
    connection.onChange = resolve
  })
  return connection
}

async function oracle(socket: Socket, route: Route): Promise<Connection> {
  const createBody = (source: ConstructorParameters<typeof ResponseBody>[0]): ResponseBody => new ResponseBody(source)
  const connection = new NodeHttp2Connection(socket, route, { id: nextConnectionId(), createBody })
  await connection.ready
  return connection
}

const h1 = async (socket: Socket, route: Route): Promise<Connection> =>
  new H1Connection(socket, route, { maxFieldSectionBytes: 65_536, pool: POOL, record: originRecord(), clock: systemClock })

const ENGINES = [
  ['H2Connection over TLS', H2, h2, true],
  ['H2Connection over cleartext', H2, h2, false],
  ['H1Connection over TLS', H1, h1, true],
  ['H1Connection over cleartext', H1, h1, false],
  ['node:http2 over TLS', ORACLE, oracle, true],
] as const

for (const [name, traits, make, secure] of ENGINES) {
  connectionContract(name, {
    traits,
    request: checkRequest,
    serve: async (options) =>
      startOriginServer({ ...(secure && { tls: await credentials }), protocols: [traits.protocol], ...options }),
    open: async (server) => {
      const socket = await connect(server, secure, traits.protocol)
      return make(socket, routeOf(server, socket))
    },
  })
}
