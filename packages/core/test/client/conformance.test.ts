/**
 * Requirements of RFC 9113 §3, §5 and §9 that involve sockets; all are in
 * docs/contributing/conformance.md.
 */

import { createSign, generateKeyPairSync, getDiffieHellman } from 'node:crypto'
import { createServer, type Server } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { frames } from '@unshard/testkit'
import type { ClientOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, tls, defer } = fixture
const url = (port: number, path = '/'): string => `https://a.test.example:${port}${path}`
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  defer(() => server.close())
  return (server.address() as { port: number }).port
}

/** A TLS server that calls `connected` for each connection. */
async function secure(options: TlsOptions, connected: (socket: TLSSocket) => void): Promise<number> {
  const server = createTlsServer({ ...(await tls()), ALPNProtocols: ['h2'], ...options }, (socket) => {
    socket.on('error', () => undefined)
    defer(() => socket.destroy())
    connected(socket)
  })
  server.on('tlsClientError', () => undefined)
  return listen(server)
}

/** Answers the first request of a connection, regardless of its fields. */
function answer(socket: TLSSocket): void {
  socket.once('data', () => {
    socket.write(
      Buffer.concat([frames.settings({}), frames.settingsAck(), frames.headers(1, [[':status', '204']], { endStream: true })]),
    )
  })
}

interface ClientHello {
  readonly suites: number[]
  readonly compression: number[]
  readonly extensions: ReadonlyMap<number, Buffer>
}

/** RFC 8446 §4.1.2, after five bytes of record header and four of handshake header. */
function parseClientHello(bytes: Buffer): ClientHello {
  let at = 5 + 4 + 2 + 32
  const take = (lengthBytes: number): Buffer => {
    const length = bytes.readUIntBE(at, lengthBytes)
    at += lengthBytes + length
    return bytes.subarray(at - length, at)
  }
  take(1)
  const suites = numbers(take(2))
  const compression = [...take(1)]
  const extensions = new Map<number, Buffer>()
  const all = take(2)
  for (let from = 0; from < all.length; ) {
    const end = from + 4 + all.readUInt16BE(from + 2)
    extensions.set(all.readUInt16BE(from), all.subarray(from + 4, end))
    from = end
  }
  return { suites, compression, extensions }
}

function numbers(bytes: Buffer): number[] {
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(i * 2))
}

/** The ClientHello that a client sends. The server then closes the connection. */
async function clientHello(options: ClientOptions = {}): Promise<ClientHello> {
  let resolveBytes!: (bytes: Buffer) => void
  const first = new Promise<Buffer>((resolve) => {
    resolveBytes = resolve
  })
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => undefined)
      let bytes = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) return
        resolveBytes(bytes)
        socket.destroy()
      })
    }),
  )
  await expect(createClient(options).request({ url: url(port) })).rejects.toMatchObject({ phase: 'tls' })
  return parseClientHello(await first)
}

describe('TLS of a client', () => {
  it.each<[string, ClientOptions, string[]]>([
    ['default options', {}, ['h2', 'http/1.1']],
    ['HTTP/2 only', { protocols: ['h2'] }, ['h2']],
    ['HTTP/1.1 only', { protocols: ['http/1.1'] }, ['http/1.1']],
  ])('§3.2 "The "h2c" protocol identifier MUST NOT be sent by a client": %s', async (_title, options, expected) => {
    const offered = (await clientHello(options)).extensions.get(16)!.subarray(2)
    const names: string[] = []
    for (let at = 0; at < offered.length; at += 1 + offered[at]!)
      names.push(offered.toString('latin1', at + 1, at + 1 + offered[at]!))
    expect(names).toEqual(expected)
  })

  it('§9.2 "The TLS implementation MUST support the Server Name Indication (SNI) extension", "clients MUST send the server_name TLS extension"', async () => {
    const name = (await clientHello()).extensions.get(0)!
    expect(name.toString('latin1', 5)).toBe('a.test.example')
  })

  it('§9.2.1 "A deployment of HTTP/2 over TLS 1.2 MUST disable compression", §10.6 "such as that provided by TLS, MUST NOT be used"', async () => {
    expect((await clientHello()).compression).toEqual([0])
  })

  it('§9.2.2 "MUST support TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 with the P-256 elliptic curve"', async () => {
    const { suites, extensions } = await clientHello()
    expect(suites).toContain(0xc02f)
    expect(numbers(extensions.get(10)!.subarray(2))).toContain(23)
  })

  it('§9.2.3 "MUST treat a TLS post-handshake CertificateRequest message as a connection error": TLS refuses it, as it was not offered', async () => {
    expect((await clientHello()).extensions.has(49)).toBe(false)
  })

  it.each([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-AES128-CCM',
    'ECDHE-ECDSA-AES256-CCM',
    'ECDHE-ECDSA-ARIA128-GCM-SHA256',
  ])(
    '§9.2.2 INADEQUATE_SECURITY: "MUST NOT generate this error in reaction to the negotiation of a cipher suite that is not prohibited": %s',
    async (ciphers) => {
      const port = await secure({ maxVersion: 'TLSv1.2', ciphers }, answer)
      const response = await createClient({ tls: { ca: fixture.authority.ca, ciphers } }).request({ url: url(port) })
      expect([response.status, response.connection.protocol]).toEqual([204, 'h2'])
    },
  )

  // Groups of 2048 and 4096 bits.
  it.each(['modp14', 'modp16'])(
    '§9.2.1 "Clients MUST accept DHE sizes of up to 4096 bits", and of 2048: group %s',
    async (group) => {
      const ciphers = 'DHE-RSA-AES128-GCM-SHA256'
      const options = { ...selfSigned(), dhparam: dhParameters(group), maxVersion: 'TLSv1.2', ciphers } as const
      const port = await secure(options, answer)
      const response = await createClient({ tls: { rejectUnauthorized: false } }).request({ url: url(port) })
      expect([response.status, response.connection.protocol]).toEqual([204, 'h2'])
    },
  )
})

describe('the start of a connection over TLS', () => {
  const firstBytes = async (options: TlsOptions): Promise<Buffer> => {
    let resolveBytes!: (bytes: Buffer) => void
    const first = new Promise<Buffer>((resolve) => {
      resolveBytes = resolve
    })
    const port = await secure(options, (socket) => {
      socket.once('data', (bytes) => {
        resolveBytes(bytes)
        socket.destroy()
      })
    })
    await expect(createClient().request({ url: url(port), method: 'POST' })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_LOST',
    })
    return first
  }

  it('§3.2 "Once TLS negotiation is complete, both the client and the server MUST send a connection preface"', async () => {
    const bytes = await firstBytes({})
    expect(bytes.toString('latin1', 0, PREFACE.length)).toBe(PREFACE)
    expect(bytes[PREFACE.length + 3]).toBe(4)
  })

  it('§3.3 "HTTP/2 connections over TLS MUST use protocol negotiation in TLS": without ALPN the client uses HTTP/1.1', async () => {
    expect((await firstBytes({ ALPNProtocols: [] })).toString('latin1')).toMatch(/^POST \/ HTTP\/1\.1\r\n/)
  })
})

describe('a connection', () => {
  it('§5.4.1 "After sending the GOAWAY frame for an error condition, the endpoint MUST close the TCP connection"', async () => {
    let resolveCode!: (errorCode: number) => void
    const goawayCode = new Promise<number>((resolve) => {
      resolveCode = resolve
    })
    const { port } = await fixture.peer(async (p) => {
      await p.handshake()
      await p.nextRequest()
      p.send(frames.windowUpdate(0, 0))
      const { payload } = await p.next('GOAWAY')
      await p.closed
      resolveCode(payload.readUInt32BE(4))
    })
    await expect(createClient().request({ url: url(port) })).rejects.toMatchObject({ code: 'ERR_PROTOCOL' })
    expect(await goawayCode).toBe(1)
  })

  it('§5.2.2 "Endpoints MUST read and process HTTP/2 frames from the TCP receive buffer as soon as data is available": unread content is no exception', async () => {
    const { port } = await fixture.peer(async (p) => {
      await p.handshake()
      const { streamId } = await p.nextRequest()
      p.send(frames.headers(streamId, [[':status', '200']]))
      for (const length of [16_384, 16_384, 16_384, 16_383]) p.send(frames.data(streamId, Buffer.alloc(length)))
      // All of it has arrived: the acknowledgement of PING follows it, and so does the credit.
      const second = await p.nextRequest()
      p.send(frames.ping(Buffer.from('are here')))
      const pong = await p.next('PING')
      const credit = p.received.some(({ typeName, streamId: id }) => typeName === 'WINDOW_UPDATE' && id === 0)
      p.respond(second.streamId, pong.flags === 1 && credit ? 204 : 500)
    })
    const client = createClient({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535 })
    const response = await client.request({ url: url(port) })
    expect((await client.request({ url: url(port, '/other') })).status).toBe(204)
    expect(response.status).toBe(200)
  })

  it('§8.1 "Trailers MUST NOT include pseudo-header fields": trailers of the caller with such a field are refused and not sent', async () => {
    const { port, peers } = await fixture.peer(async (p) => {
      await p.handshake()
      await p.next('RST_STREAM')
    })
    const failing = createClient().request({ url: url(port), method: 'POST', body: 'x', trailers: () => ({ ':status': '200' }) })
    await expect(failing).rejects.toMatchObject({ code: 'ERR_INVALID_FIELD_NAME' })
    expect(peers.flatMap(({ received }) => received).filter(({ typeName }) => typeName === 'HEADERS').length).toBeLessThan(2)
  })
})

/** Encodes one DER element. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >>> 8, content.length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

const pem = (label: string, bytes: Buffer): string =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

/** Parameters of an ephemeral Diffie-Hellman group: prime and generator 2 (RFC 3526). */
function dhParameters(group: string): string {
  const prime = Buffer.concat([Buffer.alloc(1), getDiffieHellman(group).getPrime()])
  return pem('DH PARAMETERS', der(0x30, der(0x02, prime), der(0x02, Buffer.from([2]))))
}

/** An RSA certificate, as DHE cipher suites need one and the test authority has none. */
function selfSigned(): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  const algorithm = Buffer.from('300d06092a864886f70d01010b0500', 'hex')
  const name = der(0x30, der(0x31, der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('a.test.example')))))
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('490101000000Z')))
  const body = der(
    0x30,
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = createSign('sha256').update(body).sign(privateKey)
  const certificate = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature))
  return { cert: pem('CERTIFICATE', certificate), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}
