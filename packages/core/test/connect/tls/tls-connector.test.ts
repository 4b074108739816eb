/** TLS with real servers: sessions are resumed without bypassing any check of a full handshake. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  createServer,
  type TlsOptions as ServerOptions,
  type TLSSocket,
} from 'node:tls'
import { type Authority, createAuthority, staticLookup } from '@unshard/testkit'
import { resolveOptions } from '../../../src/client/options.js'
import { Connector } from '../../../src/connect/connector.js'
import { type SecureSocket, TlsConnector } from '../../../src/connect/tls/tls-connector.js'
import type { TlsOptions } from '../../../src/connect/tls/tls-options.js'
import { type Origin, parseOrigin } from '../../../src/index.js'
import type { Certificate } from '../../../src/transport/route.js'
import type { PoolTarget } from '../../../src/transport/target.js'
import { plainTarget } from '../../fixtures.js'

const NAMES = ['a.test.example', 'b.test.example']
let authority: Authority
const closers: (() => unknown)[] = []
beforeAll(async () => {
  authority = await createAuthority()
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface TlsServer {
  readonly port: number
  /** Resolves when no connection is open. */
  idle(): Promise<void>
  /** One entry per handshake: whether it resumed a session, the server name, the protocol. */
  readonly handshakes: { reused: boolean; name: string | false; protocol: string | false | null }[]
}

async function listen(options: ServerOptions = {}, names = NAMES): Promise<TlsServer> {
  const handshakes: TlsServer['handshakes'] = []
  const sockets = new Set<Socket>()
  const credentials = await authority.issue({ names })
  const server = createServer({ ...credentials, ALPNProtocols: ['h2', 'http/1.1'], ...options }, (socket: TLSSocket) => {
    const { servername, alpnProtocol } = socket as TLSSocket & { servername: string | false }
    handshakes.push({ reused: socket.isSessionReused(), name: servername, protocol: alpnProtocol })
    socket.on('error', () => undefined)
    socket.write('hello')
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const idle = async (): Promise<void> => {
    for (const socket of sockets) if (!socket.destroyed) await once(socket.resume(), 'close')
  }
  return { port: (server.address() as { port: number }).port, handshakes, idle }
}

function targetOf(origin: Origin, isolation = ''): PoolTarget {
  return plainTarget(origin, isolation)
}

/** Opens one TLS connection, and closes it after the server has sent bytes and its ticket. */
async function handshake(
  connector: TlsConnector,
  { port }: TlsServer,
  host = 'a.test.example',
  isolation = '',
): Promise<SecureSocket> {
  const tcp = connectTcp({ host: '127.0.0.1', port })
  await once(tcp, 'connect')
  const origin = parseOrigin(`https://${host}:${port}`)
  const secured = await connector.secure(tcp, targetOf(origin, isolation), BOTH, new AbortController().signal)
  closers.push(() => secured.socket.destroy())
  await once(secured.socket, 'data')
  return secured
}

/** Connects with Node's own client. */
function nodeConnect({ port }: TlsServer, options: ConnectionOptions): TLSSocket {
  const socket = connectTls({ host: '127.0.0.1', port, ca: authority.ca, ALPNProtocols: ['h2'], ...options })
  closers.push(() => socket.destroy())
  return socket.resume()
}

const BOTH = ['h2', 'http/1.1'] as const
const connector = (tls: TlsOptions = {}): TlsConnector => new TlsConnector({ ca: authority.ca, ...tls })

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('session resumption over %s', (version) => {
  const tls = { minVersion: version, maxVersion: version }

  it('resumes the second connection, with the certificate of the first', async () => {
    const server = await listen(tls)
    const tlsConnector = connector()
    const first = await handshake(tlsConnector, server)
    const second = await handshake(tlsConnector, server)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, true])
    expect(second).toMatchObject({ protocol: 'h2', authorized: true })
    expect(second.certificate).toBe(first.certificate)
    expect(second.certificate?.x509.subjectAltName).toContain('DNS:a.test.example')
    expect(second.certificate?.x509.raw.equals(first.certificate!.peer.raw)).toBe(true)
  })

  it('offers both protocols again', async () => {
    const server = await listen({ ...tls, ALPNProtocols: ['http/1.1'] })
    const tlsConnector = connector()
    await handshake(tlsConnector, server)
    await handshake(tlsConnector, server)
    expect(server.handshakes.map(({ protocol }) => protocol)).toEqual(['http/1.1', 'http/1.1'])
  })

  it('uses no ticket for another host', async () => {
    const server = await listen(tls)
    const tlsConnector = connector()
    await handshake(tlsConnector, server, 'a.test.example')
    await handshake(tlsConnector, server, 'b.test.example')
    await handshake(tlsConnector, server, 'a.test.example')
    // With TLS 1.2, Node's server drops the name of a resumed session.
    expect(server.handshakes.slice(0, 2).map(({ name }) => name)).toEqual(NAMES)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, false, true])
  })

  it('uses no ticket that would bypass the check of another host, which some versions of Node accept', async () => {
    const [own, foreign] = [await authority.issue({ names: NAMES }), await authority.issue({ names: ['stranger.example'] })]
    const context = createSecureContext(foreign)
    const SNICallback: ServerOptions['SNICallback'] = (name, done) => done(null, name === NAMES[1] ? context : undefined)
    const server = await listen({ ...tls, ...own, SNICallback })
    const [ticket] = (await once(nodeConnect(server, { ...tls, servername: NAMES[0]! }), 'session')) as [Buffer]
    // The server accepts it for any host, and Node before 24.22 reports the peer as authorized:
    // a resumed session has no certificate to check. Later versions keep it and refuse.
    const resumed = nodeConnect(server, { ...tls, servername: NAMES[1]!, session: ticket })
    await once(resumed, 'secureConnect').then(
      () => expect(resumed.isSessionReused()).toBe(true),
      (error: NodeJS.ErrnoException) => expect(error.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID'),
    )
    const tlsConnector = connector()
    await handshake(tlsConnector, server, NAMES[0])
    await expect(handshake(tlsConnector, server, NAMES[1])).rejects.toMatchObject({
      phase: 'tls',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
    await handshake(tlsConnector, server, NAMES[0])
    expect(server.handshakes.slice(-1)).toMatchObject([{ reused: true }])
  })

  it('uses no session from before a pin was set, and checks a session made with a pin again', async () => {
    const server = await listen(tls)
    const first = await handshake(connector(), server)
    const spki = first.certificate!.x509.publicKey.export({ type: 'spki', format: 'der' })
    const pins = [createHash('sha256').update(spki).digest('base64')]
    const tlsConnector = connector({ pins })
    const certificates: Certificate[] = []
    for (let i = 0; i < 2; i++) certificates.push((await handshake(tlsConnector, server)).certificate!)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, false, true])
    expect(certificates[1]).toBe(certificates[0])
    expect(tlsConnector.verify(parseOrigin('https://b.test.example'), certificates[0]!)).toBeUndefined()
    const otherPins = connector({ pins: [Buffer.alloc(32).toString('base64')] })
    expect(otherPins.verify(parseOrigin('https://b.test.example'), certificates[0]!)).toMatchObject({
      code: 'ERR_TLS_PIN',
      phase: 'tls',
    })
    pins[0] = 'changed meanwhile'
    await expect(handshake(tlsConnector, server)).rejects.toMatchObject({ code: 'ERR_TLS_PIN' })
    expect(server.handshakes.at(-1)).toMatchObject({ reused: true })
  })

  it('uses no ticket for another isolation, as the server could link the two', async () => {
    const server = await listen(tls)
    const tlsConnector = connector()
    for (const isolation of ['one', 'two', 'one']) await handshake(tlsConnector, server, 'a.test.example', isolation)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, false, true])
  })

  it('uses no ticket of another TLS identity', async () => {
    const server = await listen(tls)
    await handshake(connector(), server)
    await handshake(connector({ checkServerIdentity: () => undefined }), server)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, false])
  })

  it('calls a custom check again, which starts to refuse, on the resumed connection, which Node does not do', async () => {
    const server = await listen(tls)
    const checked: string[] = []
    let refuse = false
    const tlsConnector = connector({
      checkServerIdentity: (host, certificate) => {
        checked.push(`${host} ${certificate.subject.CN}`)
        return refuse ? new Error('pinned to another key') : undefined
      },
    })
    await handshake(tlsConnector, server)
    await handshake(tlsConnector, server)
    refuse = true
    await expect(handshake(tlsConnector, server)).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'tls',
      cause: { message: 'pinned to another key' },
    })
    expect(checked).toEqual(['a.test.example', 'a.test.example', 'a.test.example'].map((host) => `${host} a.test.example`))
  })

  it('reports a name that does not match as unauthorized with rejectUnauthorized off, resumed or not', async () => {
    const server = await listen(tls, ['other.example'])
    const tlsConnector = connector({ rejectUnauthorized: false })
    const first = await handshake(tlsConnector, server)
    const second = await handshake(tlsConnector, server)
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, true])
    expect([first.authorized, second.authorized]).toEqual([false, false])
  })

  it('reports an unknown authority as unauthorized with rejectUnauthorized off', async () => {
    const server = await listen(tls)
    const tlsConnector = new TlsConnector({ rejectUnauthorized: false })
    expect([(await handshake(tlsConnector, server)).authorized, (await handshake(tlsConnector, server)).authorized]).toEqual([
      false,
      false,
    ])
  })
})

describe('the TLS connector', () => {
  it('checks the certificate for any host as Node does', async () => {
    const tlsConnector = connector()
    const { certificate } = await handshake(tlsConnector, await listen())
    expect(tlsConnector.verify(parseOrigin('https://b.test.example'), certificate!)).toBeUndefined()
    expect(tlsConnector.verify(parseOrigin('https://c.test.example'), certificate!)).toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
    expect(checkServerIdentity('c.test.example', certificate!.peer)).toBeDefined()
  })

  it('ends at a signal that is already aborted', async () => {
    const server = await listen()
    const tcp = connectTcp({ host: '127.0.0.1', port: server.port })
    await once(tcp, 'connect')
    const closed = once(tcp, 'close')
    const origin = parseOrigin(`https://a.test.example:${server.port}`)
    await expect(connector().secure(tcp, targetOf(origin), BOTH, AbortSignal.abort('before'))).rejects.toBe('before')
    await closed
  })

  it('destroys the socket at an abort during the handshake', async () => {
    const server = await listen({ SNICallback: () => undefined })
    const tcp = connectTcp({ host: '127.0.0.1', port: server.port })
    await once(tcp, 'connect')
    const abort = new AbortController()
    const securing = connector().secure(tcp, targetOf(parseOrigin(`https://a.test.example:${server.port}`)), BOTH, abort.signal)
    abort.abort('enough')
    await expect(securing).rejects.toBe('enough')
    expect(tcp.destroyed).toBe(true)
  })

  it.each([
    [{ cert: 'c' }, true],
    [{ key: 'k' }, true],
    [{ pfx: 'p' }, true],
    [{ ca: 'a' }, false],
  ])('of %j has a client certificate: %s', (tls, expected) => {
    expect(new TlsConnector(tls).clientCertificate).toBe(expected)
  })
})

describe('the connector', () => {
  const connector = (): Connector => {
    return new Connector(resolveOptions({ tls: { ca: authority.ca }, lookup: staticLookup({ 'a.test.example': '127.0.0.1' }) }))
  }
  const target = (server: TlsServer) => {
    const origin = parseOrigin(`https://a.test.example:${server.port}`)
    return plainTarget(origin)
  }
  const progress = { onAttempt: () => undefined, onTcpConnected: () => undefined }

  it('returns the recorded certificate in the route of a resumed connection, which is authorized', async () => {
    const server = await listen({ ALPNProtocols: ['http/1.1'] })
    const tlsConnector = connector()
    const routes = []
    for (let i = 0; i < 2; i++) {
      const connection = await tlsConnector.connect(
        target(server),
        (await tlsConnector.resolve(target(server))).addresses,
        progress,
        new AbortController().signal,
      )
      const { route } = connection
      routes.push(route)
      // Unsolicited bytes close the connection; its ticket arrives in the same event-loop turn.
      const answer = new Promise<void>((resolve) => {
        const observer = { onInformational() {}, onResponse() {}, onError: () => undefined, onClosed: resolve }
        connection.request({ ...REQUEST, origin: target(server).origin }, observer)
      })
      await answer
      await new Promise(setImmediate)
      connection.destroy(new Error('next'))
    }
    expect(server.handshakes.map(({ reused }) => reused)).toEqual([false, true])
    expect(routes[1]).toMatchObject({ authorized: true, remoteAddress: '127.0.0.1', remotePort: server.port, reuseKey: 'key' })
    expect(routes[1]!.certificate?.x509.checkHost('a.test.example')).toBe('a.test.example')
  })

  it('leaves no connection behind if it is aborted after the race was won', async () => {
    const server = await listen()
    const tlsConnector = connector()
    const origin = parseOrigin(`http://a.test.example:${server.port}`)
    const abort = new AbortController()
    const ending = { ...progress, onTcpConnected: () => abort.abort('enough') }
    const connecting = tlsConnector.connect(
      { ...target(server), origin },
      (await tlsConnector.resolve({ ...target(server), origin })).addresses,
      ending,
      abort.signal,
    )
    await expect(connecting).rejects.toBe('enough')
    await server.idle()
  })
})

const REQUEST = {
  method: 'GET',
  scheme: 'https',
  authority: 'a.test.example',
  path: '/',
  fields: [],
  sensitive: undefined,
  content: undefined,
  trailers: undefined,
  close: false,
} as const
