/** TLS options of the caller, end to end: each with a server that detects whether it was applied. */

import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Credentials, OriginHandler, OriginServerOptions } from '@unshard/testkit'
import { type ClientOptions, type ClientTlsOptions, isConnection, type ReusePolicy } from '../../src/index.js'
import { toPfx } from '../connect/tls/pfx.js'
import { clientFixture } from './fixture.js'

const world = clientFixture()
const { client, server } = world

/** Responds with the result of the handshake. */
const report: OriginHandler = (request, response) => {
  const socket = ('stream' in request ? request.stream.session!.socket : request.socket) as TLSSocket
  const { standardName } = socket.getCipher()
  response.end(JSON.stringify({ version: socket.getProtocol(), cipher: standardName, group: socket.getEphemeralKeyInfo() }))
}

async function ask(tls: ClientTlsOptions, options: OriginServerOptions = {}, more: ClientOptions = {}) {
  const origin = await server({ handler: report, ...options })
  const one = client({ ...more, tls: { ca: world.authority.ca, ...tls } })
  const response = await one.request({ url: `${origin.url('a.test.example')}/` })
  return { ...((await response.json()) as { version: string; cipher: string }), origin, one, response }
}

/** A server's certificate, with other options of `tls.createServer`. */
const serving = async (more: object): Promise<Credentials> => ({ ...(await world.tls()), ...more })

describe('client certificates', () => {
  const asking = async (): Promise<OriginServerOptions> => ({
    tls: { ...(await world.tls()), ca: world.authority.ca },
    requestCert: true,
  })
  const identity = (): Promise<Credentials> => world.authority.issue({ names: [], commonName: 'somebody', clientAuth: true })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('cert and key are presented, %s', async (version) => {
    const { origin } = await ask({ ...(await identity()), minVersion: version, maxVersion: version }, await asking())
    expect(origin.requests[0]!.clientName).toBe('somebody')
  })

  it('pfx with its passphrase is presented', async () => {
    const { origin } = await ask({ pfx: toPfx(await identity(), 'secret'), passphrase: 'secret' }, await asking())
    expect(origin.requests[0]!.clientName).toBe('somebody')
  })

  it('pfx with a wrong passphrase is a UsageError', async () => {
    const asked = ask({ pfx: toPfx(await identity(), 'secret'), passphrase: 'other' }, await asking())
    await expect(asked).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_OPTION' })
  })

  it('without a certificate none is presented', async () => {
    const { origin } = await ask({}, await asking())
    expect(origin.requests[0]!.clientName).toBeUndefined()
  })
})

describe('versions', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('only %s', async (version) => {
    expect(await ask({ minVersion: version, maxVersion: version })).toMatchObject({ version })
  })

  it.each([
    ['TLSv1.2', { minVersion: 'TLSv1.3' }],
    ['TLSv1.3', { maxVersion: 'TLSv1.2' }],
  ] as const)('a server that supports only %s, and a client that does not', async (version, tls) => {
    const failing = ask(tls, { tls: await serving({ minVersion: version, maxVersion: version }) })
    await expect(failing).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls', processed: 'no' })
  })
})

describe('negotiation', () => {
  it.each([
    ['TLSv1.2', 'ECDHE-ECDSA-CHACHA20-POLY1305', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
    ['TLSv1.3', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLSv1.3', 'TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ] as const)('%s, ciphers %s', async (version, ciphers, cipher) => {
    expect(await ask({ ciphers, minVersion: version, maxVersion: version })).toMatchObject({ version, cipher })
  })

  it('ciphers that the server does not support', async () => {
    const tls = await serving({ ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', maxVersion: 'TLSv1.2' })
    const failing = ask({ ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }, { tls })
    await expect(failing).rejects.toMatchObject({ phase: 'tls' })
  })

  it.each([
    ['P-384', true],
    ['P-521', false],
  ])('ecdhCurve %s with a server that supports only P-384: %s', async (ecdhCurve, agreed) => {
    const asked = ask({ ecdhCurve }, { tls: await serving({ ecdhCurve: 'P-384' }) })
    if (agreed) expect((await asked).response.status).toBe(200)
    else await expect(asked).rejects.toMatchObject({ phase: 'tls' })
  })

  it.each([
    ['ecdsa_secp256r1_sha256', true],
    ['ed25519', false],
  ])('sigalgs %s with a server key on P-256: %s', async (sigalgs, agreed) => {
    const asked = ask({ sigalgs })
    if (agreed) expect((await asked).response.status).toBe(200)
    else await expect(asked).rejects.toMatchObject({ phase: 'tls' })
  })
})

describe('trust', () => {
  it('an authority that is not among ca', async () => {
    await expect(ask({ ca: [] })).rejects.toMatchObject({ name: 'ConnectError', phase: 'tls', processed: 'no' })
  })

  it('rejectUnauthorized false accepts it as unauthorized', async () => {
    const { one } = await ask({ ca: [], rejectUnauthorized: false })
    expect(one.stats().totals.requests).toBe(1)
  })

  it('a certificate revoked by the crl is refused, another one is accepted', async () => {
    const [good, bad] = [await world.tls(), await world.tls()]
    const crl = await world.authority.revoke(bad)
    expect((await ask({ crl }, { tls: good })).response.status).toBe(200)
    const failing = ask({ crl }, { tls: bad })
    await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { code: 'CERT_REVOKED' } })
  })

  it("checkServerIdentity is called with the origin's host", async () => {
    const hosts: string[] = []
    await ask({ checkServerIdentity: (host) => void hosts.push(host) }, { tls: await world.tls('other.example') })
    expect(hosts).toEqual(['a.test.example'])
  })
})

/** Allows all sharing that the reuse keys and the client's own check allow. */
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
    const tls = await world.tls('inner.example')
    const { origin } = await ask({ servername: 'inner.example' }, { tls })
    expect(origin.requests[0]).toMatchObject({ servername: 'inner.example', authority: `a.test.example:${origin.port}` })
    await expect(ask({ servername: 'inner.example' })).rejects.toMatchObject({
      phase: 'tls',
      cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
    })
  })

  it('applies to addresses too, and to resumed sessions', async () => {
    const origin = await server({ tls: await world.tls('inner.example'), protocols: ['http/1.1'] })
    const one = client({ tls: { ca: world.authority.ca, servername: 'inner.example' } })
    for (let i = 0; i < 2; i++) {
      const response = await one.request({ url: `${origin.url()}/`, headers: { connection: 'close' } })
      await response.text()
    }
    expect(origin.requests.map(({ servername }) => servername)).toEqual(['inner.example', 'inner.example'])
  })

  it.each([
    [undefined, 1],
    ['inner.test.example', 2],
  ])('%s: origins with the same address and certificate have %d connections', async (servername, connections) => {
    const tls: ClientTlsOptions = servername === undefined ? {} : { servername }
    const { origin, one } = await ask(tls, { protocols: ['h2'] }, { reuse: generous })
    await (await one.request({ url: `${origin.url('b.test.example')}/` })).text()
    expect(origin.connections).toBe(connections)
  })

  it.each(['', '127.0.0.1', '::1', 'a example', 7, 'a.example.'])('%j is refused', (servername) => {
    expect(() => client({ tls: { servername } as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

describe('pins', () => {
  const pinOf = ({ cert }: Credentials): string =>
    createHash('sha256')
      .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
  const mismatch = { name: 'ConnectError', phase: 'tls', code: 'ERR_TLS_PIN', processed: 'no' }
  const OTHER = Buffer.alloc(32, 7).toString('base64')

  it.each(['', 'sha256/', 'sha256//'])('a pinned key, prefixed with %j', async (prefix) => {
    const tls = await world.tls()
    expect((await ask({ pins: [OTHER, prefix + pinOf(tls)] }, { tls })).response.status).toBe(200)
    expect((await ask({ pins: [prefix + pinOf(tls).replace('=', '')] }, { tls })).response.status).toBe(200)
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('any other key is refused, and the error contains its pin: %s', async (version) => {
    const tls = await world.tls()
    const failing = ask({ pins: [OTHER], maxVersion: version }, { tls })
    await expect(failing).rejects.toMatchObject({ ...mismatch, message: expect.stringContaining(`sha256/${pinOf(tls)}`) })
  })

  it('the key of the authority does not count: `ca` is for that', async () => {
    const pins = [pinOf({ cert: world.authority.ca, key: '' })]
    await expect(ask({ pins })).rejects.toMatchObject(mismatch)
  })

  it('apply even if nothing else is checked', async () => {
    await expect(ask({ pins: [OTHER], rejectUnauthorized: false })).rejects.toMatchObject(mismatch)
    await expect(ask({ pins: [OTHER], checkServerIdentity: () => undefined })).rejects.toMatchObject(mismatch)
  })

  it('nothing is sent to a refused server', async () => {
    const origin = await server()
    const one = client({ tls: { ca: world.authority.ca, pins: [OTHER] } })
    await expect(one.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject(mismatch)
    expect(origin.requests).toEqual([])
  })

  it('are checked again before a connection serves another origin', async () => {
    const tls = await world.tls()
    const { origin, one } = await ask({ pins: [pinOf(tls)] }, { tls, protocols: ['h2'] }, { reuse: generous })
    const shared = await one.request({ url: `${origin.url('b.test.example')}/` })
    expect(shared.connection).toMatchObject({ coalesced: true, because: 'generous' })
    await shared.text()
  })

  it.each([[], ['x'], ['sha1/AAAA'], [Buffer.alloc(31).toString('base64')], [`${OTHER}=`], [7], 'abc', null])(
    '%j is refused when the client is created',
    (pins) => {
      expect(() => client({ tls: { pins } as never })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining('tls.pins') }),
      )
    },
  )
})

it('a server that chose HTTP/1.1 and now speaks only HTTP/2 is offered both again, at once (RFC 7301 §3.2)', async () => {
  const before = await server({ protocols: ['http/1.1'] })
  const one = client({ idleTimeoutMs: 1 })
  const url = `https://a.test.example:${before.port}/`
  await (await one.request({ url })).text()
  await before.close()
  const after = await server({ protocols: ['h2'], port: before.port })
  const response = await one.request({ url })
  await response.text()
  expect([response.status, response.connection.protocol]).toEqual([200, 'h2'])
  expect(after.requests).toHaveLength(1)
})

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  const { emitWarning } = process
  beforeEach(() => {
    // Node emits a warning for it, once.
    process.emitWarning = () => undefined
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  })
  afterEach(() => {
    process.emitWarning = emitWarning
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('applies to the first, to resumed and to later connections, %s', async (version) => {
    const origin = await server({ tls: await world.tls('other.example'), handler: report })
    const one = client({ tls: { minVersion: version, maxVersion: version } })
    for (let i = 0; i < 4; i++) {
      const response = await one.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      expect(response.status).toBe(200)
      await response.text()
    }
    expect(origin.connections).toBe(4)
  })

  it('an option of the client takes precedence', async () => {
    const origin = await server({ tls: await world.tls('other.example'), handler: report })
    const strict = client({ tls: { ca: world.authority.ca, rejectUnauthorized: true } })
    await expect(strict.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject({ phase: 'tls' })
  })
})

describe('RFC 9113 §9.2.2: HTTP/2 chosen with a prohibited TLS 1.2 cipher suite', () => {
  const cbc = 'ECDHE-ECDSA-AES128-SHA256'

  it('only HTTP/1.1 is offered, and used from then on', async () => {
    const origin = await server({ handler: report, tls: await serving({ ciphers: cbc, maxVersion: 'TLSv1.2' }) })
    const one = client({ tls: { ca: world.authority.ca, ciphers: `${cbc}:ECDHE-ECDSA-AES128-GCM-SHA256` } })
    for (let i = 0; i < 2; i++) {
      const response = await one.request({ url: `${origin.url('a.test.example')}/`, isolation: String(i) })
      expect([response.status, response.connection.protocol]).toEqual([200, 'http/1.1'])
      await response.text()
    }
  })

  it('if the client does not offer HTTP/1.1, the error states the reason', async () => {
    const origin = await server({ handler: report, tls: await serving({ ciphers: cbc, maxVersion: 'TLSv1.2' }) })
    const one = client({ protocols: ['h2'], tls: { ca: world.authority.ca, ciphers: cbc } })
    await expect(one.request({ url: `${origin.url('a.test.example')}/` })).rejects.toMatchObject({
      code: 'ERR_INADEQUATE_SECURITY',
    })
  })
})
