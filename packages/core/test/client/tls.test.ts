/** TLS options, each with a server that detects whether it was applied. */

import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Credentials, OriginHandler, OriginServerOptions } from '@unshard/testkit'
import { type ClientOptions, type ClientTlsOptions, isConnection, type ReusePolicy } from '../../src/index.js'
import { toPfx } from '../connect/tls/pfx.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, server } = fixture

/** Responds with the parameters of the TLS connection. */
const report: OriginHandler = (request, response) => {
  const socket = ('stream' in request ? request.stream.session!.socket : request.socket) as TLSSocket
  const { standardName } = socket.getCipher()
  response.end(JSON.stringify({ version: socket.getProtocol(), cipher: standardName, group: socket.getEphemeralKeyInfo() }))
}

async function requestWith(tls: ClientTlsOptions, options: OriginServerOptions = {}, clientOptions: ClientOptions = {}) {
  const origin = await server({ handler: report, ...options })
  const client = createClient({ ...clientOptions, tls: { ca: fixture.authority.ca, ...tls } })
  const response = await client.request({ url: `${origin.url('a.test.example')}/` })
  return { ...((await response.json()) as { version: string; cipher: string }), origin, client, response }
}

/** A server's certificate, and other options of `tls.createServer`. */
const serving = async (options: object): Promise<Credentials> => ({ ...(await fixture.tls()), ...options })

describe('client certificates', () => {
  const requestingServer = async (): Promise<OriginServerOptions> => ({
    tls: { ...(await fixture.tls()), ca: fixture.authority.ca },
    requestCert: true,
  })
  const identity = (): Promise<Credentials> => fixture.authority.issue({ names: [], commonName: 'somebody', clientAuth: true })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are presented if given as cert and key, %s', async (version) => {
    const { origin } = await requestWith(
      { ...(await identity()), minVersion: version, maxVersion: version },
      await requestingServer(),
    )
    expect(origin.requests[0]!.clientName).toBe('somebody')
  })

  it('are presented if given as pfx with its passphrase', async () => {
    const { origin } = await requestWith(
      { pfx: toPfx(await identity(), 'secret'), passphrase: 'secret' },
      await requestingServer(),
    )
    expect(origin.requests[0]!.clientName).toBe('somebody')
  })

  it('given as pfx with a wrong passphrase cause a UsageError', async () => {
    const response = requestWith({ pfx: toPfx(await identity(), 'secret'), passphrase: 'other' }, await requestingServer())
    await expect(response).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_OPTION' })
  })

  it('are not presented without the options', async () => {
    const { origin } = await requestWith({}, await requestingServer())
    expect(origin.requests[0]!.clientName).toBeUndefined()
  })
})

describe('the versions of client and server', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are limited to %s by minVersion and maxVersion', async (version) => {
    expect(await requestWith({ minVersion: version, maxVersion: version })).toMatchObject({ version })
  })

  it.each([
    ['TLSv1.2', { minVersion: 'TLSv1.3' }],
    ['TLSv1.3', { maxVersion: 'TLSv1.2' }],
  ] as const)('must overlap: a server with only %s refuses another version', async (version, tls) => {
    const failing = requestWith(tls, { tls: await serving({ minVersion: version, maxVersion: version }) })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls', processed: 'no' })
  })
})

describe('the negotiated parameters', () => {
  it.each([
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ] as const)('follow the option ciphers: %s, %s', async (version, ciphers, cipher) => {
    expect(await requestWith({ ciphers, minVersion: version, maxVersion: version })).toMatchObject({ version, cipher })
  })

  it('need a common cipher suite', async () => {
    const tls = await serving({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' })
    const failing = requestWith({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, { tls })
    await expect(failing).rejects.toMatchObject({ phase: 'tls' })
  })

  it.each([
    ['P-384', true],
    ['P-521', false],
  ])('follow ecdhCurve %s with a server that supports only P-384: %s', async (ecdhCurve, agreed) => {
    const response = requestWith({ ecdhCurve }, { tls: await serving({ ecdhCurve: 'P-384' }) })
    if (agreed) expect((await response).response.status).toBe(200)
    else await expect(response).rejects.toMatchObject({ phase: 'tls' })
  })

  it.each([
    ['ecdsa_secp256r1_sha256', true],
    ['ed25519', false],
  ])('follow sigalgs %s with a server key on P-256: %s', async (sigalgs, agreed) => {
    const response = requestWith({ sigalgs })
    if (agreed) expect((await response).response.status).toBe(200)
    else await expect(response).rejects.toMatchObject({ phase: 'tls' })
  })
})

describe('trust', () => {
  it('an authority that is not in ca is refused', async () => {
    await expect(requestWith({ ca: [] })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls', processed: 'no' })
  })

  it('rejectUnauthorized: false accepts an unknown authority', async () => {
    const { client } = await requestWith({ ca: [], rejectUnauthorized: false })
    expect(client.stats().totals.requests).toBe(1)
  })

  it('a certificate in the crl is refused, others are accepted', async () => {
    const [good, bad] = [await fixture.tls(), await fixture.tls()]
    const crl = await fixture.authority.revoke(bad)
    expect((await requestWith({ crl }, { tls: good })).response.status).toBe(200)
    const failing = requestWith({ crl }, { tls: bad })
    await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { code: 'CERT_REVOKED' } })
  })

  it('checkServerIdentity is called with the host of the origin', async () => {
    const hosts: string[] = []
    await requestWith({ checkServerIdentity: (host) => void hosts.push(host) }, { tls: await fixture.tls('other.example') })
    expect(hosts).toEqual(['a.test.example'])
  })
})

/** Allows any reuse that the reuse keys and the identity check of the client allow. */
const generous: ReusePolicy = {
  verdict(candidate, target) {
    if (!isConnection(candidate) || candidate.route.reuseKey !== target.reuseKey) return { use: false, because: 'options-differ' }
    const refused = target.verify(candidate.route.certificate!)
    return refused === undefined
      ? { use: true, because: 'generous' }
      : { use: false, because: (refused as { code?: string }).code ?? '' }
  },
  misdirected: () => undefined,
}

describe('servername', () => {
  it('is sent as the server name, and must match the certificate', async () => {
    const tls = await fixture.tls('inner.example')
    const { origin } = await requestWith({ servername: 'inner.example' }, { tls })
    expect(origin.requests[0]).toMatchObject({ servername: 'inner.example', authority: `a.test.example:${origin.port}` })
    await expect(requestWith({ servername: 'inner.example' })).rejects.toMatchObject({
      phase: 'tls',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  it('applies to IP addresses and to resumed TLS sessions', async () => {
    const origin = await server({ tls: await fixture.tls('inner.example'), protocols: ['http/1.1'] })
    const client = createClient({ tls: { ca: fixture.authority.ca, servername: 'inner.example' } })
    for (let i = 0; i < 2; i++) {
      const response = await client.request({ url: `${origin.url()}/`, headers: { connection: 'close' } })
      await response.text()
    }
    expect(origin.requests.map(({ servername }) => servername)).toEqual(['inner.example', 'inner.example'])
  })

  it.each([
    [undefined, 1],
    ['inner.test.example', 2],
  ])('of %s: two origins with the same address and certificate use %d connections', async (servername, connections) => {
    const tls: ClientTlsOptions = servername === undefined ? {} : { servername }
    const { origin, client } = await requestWith(tls, { protocols: ['h2'] }, { reuse: generous })
    await (await client.request({ url: `${origin.url('b.test.example')}/` })).text()
    expect(origin.connections).toBe(connections)
  })

  it.each(['', '127.0.0.1', '::1', 'a example', 7, 'a.example.'])('is refused with the value %j', (servername) => {
    expect(() => createClient({ tls: { servername } as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

describe('pins', () => {
  const pinOf = ({ cert }: Credentials): string =>
    createHash('sha256')
      .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
  const mismatch = { name: 'ConnectError', phase: 'tls', code: 'ERR_TLS_PIN', processed: 'no' }
  const OTHER = Buffer.alloc(32, 7).toString('base64')

  it.each(['', 'sha256/', 'sha256//'])('accept a pinned key, prefixed with %j', async (prefix) => {
    const tls = await fixture.tls()
    expect((await requestWith({ pins: [OTHER, prefix + pinOf(tls)] }, { tls })).response.status).toBe(200)
    expect((await requestWith({ pins: [prefix + pinOf(tls).replace('=', '')] }, { tls })).response.status).toBe(200)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'refuse any other key, and the error contains the pin of that key: %s',
    async (version) => {
      const tls = await fixture.tls()
      const failing = requestWith({ pins: [OTHER], maxVersion: version }, { tls })
      await expect(failing).rejects.toMatchObject({ ...mismatch, message: expect.stringContaining(`sha256/${pinOf(tls)}`) })
    },
  )

  it('do not match the key of the authority, for which `ca` exists', async () => {
    const pins = [pinOf({ cert: fixture.authority.ca, key: '' })]
    await expect(requestWith({ pins })).rejects.toMatchObject(mismatch)
  })

  it('apply even if the certificate is not verified', async () => {
    await expect(requestWith({ pins: [OTHER], rejectUnauthorized: false })).rejects.toMatchObject(mismatch)
    await expect(requestWith({ pins: [OTHER], checkServerIdentity: () => undefined })).rejects.toMatchObject(mismatch)
  })

  it('are checked before the request is sent', async () => {
    const origin = await server()
    const client = createClient({ tls: { ca: fixture.authority.ca, pins: [OTHER] } })
    await expect(client.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(mismatch)
    expect(origin.requests).toEqual([])
  })

  it('are checked again before the connection serves another origin', async () => {
    const tls = await fixture.tls()
    const { origin, client } = await requestWith({ pins: [pinOf(tls)] }, { tls, protocols: ['h2'] }, { reuse: generous })
    const reused = await client.request({ url: `${origin.url('b.test.example')}/` })
    expect(reused.connection).toMatchObject({ coalesced: true, because: 'generous' })
    await reused.text()
  })

  it.each([[], ['x'], ['sha1/AAAA'], [Buffer.alloc(31).toString('base64')], [`${OTHER}=`], [7], 'abc', null])(
    'are refused when the client is created: %j',
    (pins) => {
      expect(() => createClient({ tls: { pins } as never })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining('tls.pins') }),
      )
    },
  )
})

it('a server that used HTTP/1.1 and now supports only HTTP/2 is offered both at once (RFC 7301 §3.2)', async () => {
  const before = await server({ protocols: ['http/1.1'] })
  const client = createClient({ idleTimeoutMs: 1 })
  const url = `https://a.test.example:${before.port}/`
  await (await client.request({ url })).text()
  await before.close()
  const after = await server({ protocols: ['h2'], port: before.port })
  const response = await client.request({ url })
  await response.text()
  expect([response.status, response.connection.protocol]).toEqual([200, 'h2'])
  expect(after.requests).toHaveLength(1)
})

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  const { emitWarning } = process
  beforeEach(() => {
    // Node emits one warning for it.
    process.emitWarning = () => undefined
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  })
  afterEach(() => {
    process.emitWarning = emitWarning
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'applies to the first connection, to resumed and to later connections, %s',
    async (version) => {
      const origin = await server({ tls: await fixture.tls('other.example'), handler: report })
      const client = createClient({ tls: { minVersion: version, maxVersion: version } })
      for (let i = 0; i < 4; i++) {
        const response = await client.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
        expect(response.status).toBe(200)
        await response.text()
      }
      expect(origin.connections).toBe(4)
    },
  )

  it('is overridden by an option of the client', async () => {
    const origin = await server({ tls: await fixture.tls('other.example'), handler: report })
    const strict = createClient({ tls: { ca: fixture.authority.ca, rejectUnauthorized: true } })
    await expect(strict.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject({ phase: 'tls' })
  })
})

describe('HTTP/2 negotiated with a prohibited TLS 1.2 cipher suite (RFC 9113 §9.2.2)', () => {
  const cbc = 'ECDHE-ECDSA-AES128-SHA256'

  it('causes another dial that offers only HTTP/1.1, which is used from then on', async () => {
    const origin = await server({ handler: report, tls: await serving({ ciphers: cbc, maxVersion: 'TLSv1.2' }) })
    const client = createClient({ tls: { ca: fixture.authority.ca, ciphers: `${cbc}:ECDHE-ECDSA-AES128-GCM-SHA256` } })
    for (let i = 0; i < 2; i++) {
      const response = await client.request({ url: `${origin.url('a.test.example')}/`, isolation: String(i) })
      expect([response.status, response.connection.protocol]).toEqual([200, 'http/1.1'])
      await response.text()
    }
  })

  it('is an error if the client does not offer HTTP/1.1', async () => {
    const origin = await server({ handler: report, tls: await serving({ ciphers: cbc, maxVersion: 'TLSv1.2' }) })
    const client = createClient({ protocols: ['h2'], tls: { ca: fixture.authority.ca, ciphers: cbc } })
    await expect(client.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject({
      code: 'ERR_INADEQUATE_SECURITY',
    })
  })
})
