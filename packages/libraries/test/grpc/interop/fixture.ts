/** Every server with every way to call it, for the tests of this folder. */

import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { type Authority, createAuthority } from '@unshard/testkit'
import { type Client, createClient } from 'unshard'
import { type Begin, CALLERS } from './callers.js'
import { type InteropServer, type RunningServer, SERVERS } from './servers.js'

/** One server and one way to call it. */
export interface Interop {
  readonly server: InteropServer
  /** Whether the server is installed; the tests of one that is not pass. */
  readonly isInstalled: boolean
  /** Returns a function that begins calls, over one new client for each test. */
  caller(isCompressing?: boolean): Begin
  /** The client of the calls. */
  readonly client: Client
  /** Bytes of the connections so far. */
  readonly sent: number
  readonly received: number
  readonly connections: number
}

/** Defines the tests for each server and each way to call. Call at the top level. */
export function describeInterop(define: (interop: Interop) => void): void {
  describe.each(SERVERS.map((server) => [server.name, server] as const))('server: %s', (_name, server) => {
    let authority: Authority
    let running: RunningServer | undefined
    beforeAll(async () => {
      authority = await createAuthority()
      running = await server.start(await authority.issue({ names: ['*.test.example'] }))
    }, 60_000)
    afterAll(() => running?.stop())
    describe.each(CALLERS.map((caller) => [caller.name, caller] as const))('client: %s', (_callerName, caller) => {
      let client: Client
      let relay: Relay
      beforeEach(async () => {
        relay = await startRelay(running?.port ?? 0)
        client = createClient({ tls: { ca: authority.ca }, lookup: (_host, _options, done) => done(null, '127.0.0.1', 4) })
      })
      afterEach(() => {
        client.destroy()
        relay.close()
      })
      define({
        server,
        get isInstalled() {
          return running !== undefined
        },
        caller: (isCompressing = false) => caller.make(client, relay.port, authority.ca, isCompressing),
        get client() {
          return client
        },
        get sent() {
          return relay.sent
        },
        get received() {
          return relay.received
        },
        get connections() {
          return relay.connections
        },
      })
    })
  })
}

interface Relay {
  readonly port: number
  readonly sent: number
  readonly received: number
  readonly connections: number
  close(): void
}

/** Starts a relay in front of a server that counts bytes: they show what is compressed, whatever the server tells. */
async function startRelay(target: number): Promise<Relay> {
  const counts = { sent: 0, received: 0, connections: 0 }
  const sockets: net.Socket[] = []
  const server = net.createServer((socket) => {
    counts.connections++
    const behind = net.connect(target, '127.0.0.1')
    sockets.push(socket, behind)
    socket.on('data', (part) => {
      counts.sent += part.length
    })
    behind.on('data', (part) => {
      counts.received += part.length
    })
    socket.pipe(behind).pipe(socket)
    for (const each of [socket, behind]) each.on('error', () => undefined)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return Object.assign(counts, { port: (server.address() as AddressInfo).port, close })
}
