// Chromium's tests of pooling by address, as far as they apply here, on real servers. Each title
// ends with the name of the original test and the row of the coalescing matrix.
import { startTcpProxy, startTestProxy } from '@unshard/testkit'
import { coalescing } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const NAMES = ['a.example', 'b.example', 'c.example']
const { ca, client, defer, get, issue, lookup, serving, until } = sharingFixture({
  'a.example': '127.0.0.1',
  'b.example': '127.0.0.1',
  'c.example': '127.0.0.1',
})
const at = (host: string, { port }: { port: number }, path = '/'): string => `https://${host}.example:${port}${path}`

it('b shares an address with a, c does not (IPPooling, K19)', async () => {
  const started = await serving(NAMES, { address: '127.0.0.33' })
  const elsewhere = await serving(NAMES, { address: '127.0.0.4', port: started.port })
  lookup.table['a.example'] = ['127.0.0.33', '127.0.0.41', '127.0.0.5']
  lookup.table['b.example'] = ['127.0.0.42', '127.0.0.43', '127.0.0.5', '127.0.0.33']
  lookup.table['c.example'] = ['127.0.0.4', '127.0.0.43']
  const one = client()
  const [a, b, c] = [await get(one, at('a', started)), await get(one, at('b', started)), await get(one, at('c', started))]
  expect([b.id, b.coalesced]).toEqual([a.id, true])
  expect([c.coalesced, c.because, c.remoteAddress]).toEqual([false, 'address-differs', '127.0.0.4'])
  expect([started.connections, elsewhere.connections]).toEqual([1, 1])
})

it('a closing connection is not an alias for any origin (IPPoolingCloseCurrentSessions, K20)', async () => {
  const started = await serving(NAMES)
  const one = client()
  const first = await get(one, at('a', started))
  await get(one, at('b', started))
  await one.pools.close(`https://a.example:${started.port}`)
  expect(one.stats().pools).toEqual([])
  const again = await get(one, at('b', started))
  expect([again.coalesced, again.id === first.id]).toEqual([false, false])
  expect(await get(one, at('a', started))).toMatchObject({ coalesced: true, id: again.id })
})

it('mode off disables aliases (IPPoolingDisabled, K21)', async () => {
  const started = await serving(NAMES)
  const one = client({ reuse: coalescing({ mode: 'off' }) })
  await get(one, at('a', started))
  expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, because: 'coalescing-off' })
})

it('a connection with a client certificate is not shared (IPPoolingClientCert, K22; CanNotPoolWithClientCerts, K28)', async () => {
  const started = await serving(NAMES, { requestCert: true })
  const { cert, key } = await issue({ names: ['me.example'], clientAuth: true })
  const one = client({ tls: { ca: ca(), cert, key } })
  await get(one, at('a', started))
  expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, because: 'client-certificate' })
})

it('a connection that did not negotiate h2 is not shared; HTTPS records are not queried (IPPoolingDnsAlpn, K23)', async () => {
  const started = await serving(NAMES, { protocols: ['http/1.1'] })
  const one = client()
  await get(one, at('a', started))
  expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, because: 'not-h2' })
})

it('CONNECT requests are not supported, so no tunnel can be aliased (IPConnectionPoolingWithWebSockets, K24)', async () => {
  const started = await serving(NAMES)
  const one = client()
  await get(one, at('a', started))
  await expect(get(one, at('b', started), { method: 'CONNECT' })).rejects.toMatchObject({ name: 'UsageError' })
  expect(started.requests).toHaveLength(1)
})

it('when connections drain, requests in flight succeed, and the next ones dial (GoAwayOnChange, K25)', async () => {
  const started = await serving(NAMES, {
    handler: (request, response) => void (request.url === '/slow' ? held.push(response) : response.end()),
  })
  const held: { end(): void }[] = []
  const one = client()
  await get(one, at('a', started))
  const slow = get(one, at('b', started, '/slow'))
  await started.delivered(2)
  const closing = one.pools.close(`https://a.example:${started.port}`)
  expect(await get(one, at('b', started))).toMatchObject({ coalesced: false })
  for (const response of held) response.end()
  expect(await slow).toMatchObject({ status: 200, coalesced: true })
  await closing
  expect(started.connections).toBe(2)
})

it('an ignored certificate error of the first host prevents sharing (CanNotPoolWithCertErrors, K27)', async () => {
  const started = await serving(NAMES)
  const one = client({ tls: { rejectUnauthorized: false } })
  await get(one, at('a', started))
  expect(await get(one, at('b', started))).toMatchObject({ coalesced: false, because: 'unauthorized' })
  const trusted = client({ tls: { ca: ca(), rejectUnauthorized: false } })
  await get(trusted, at('a', started))
  expect(await get(trusted, at('b', started))).toMatchObject({ coalesced: false, because: 'verification-off' })
})

it('connections through a tunnel are shared by a group of allow, never by address (NoConnectionPoolingOverTunnel, K33)', async () => {
  const started = await serving(NAMES)
  const via = await startTestProxy()
  defer(() => via.close())
  const plain = client({ proxy: via.url() })
  await get(plain, at('a', started))
  expect(await get(plain, at('b', started))).toMatchObject({ coalesced: false, because: 'proxied' })
  const declared = client({ proxy: via.url(), reuse: coalescing({ allow: [['a.example', 'b.example']] }) })
  const [a, b, c] = [
    await get(declared, at('a', started)),
    await get(declared, at('b', started)),
    await get(declared, at('c', started)),
  ]
  expect(b).toMatchObject({ coalesced: true, because: 'declared-and-certificate', id: a.id })
  expect(c).toMatchObject({ coalesced: false, because: 'proxied' })
  expect(via.tunnels).toHaveLength(4)
  expect(lookup.calls).toEqual([])
})

it('a connection that closes between choice and use causes no error (ConnectionPoolingSessionClosedBeforeUse, K34)', async () => {
  const started = await serving(NAMES)
  const relay = await startTcpProxy(started.port)
  defer(() => relay.close())
  const one = client()
  await get(one, at('a', relay))
  await get(one, at('b', relay))
  relay.reset()
  expect(await get(one, at('b', relay))).toMatchObject({ status: 200 })
  await until(() => one.stats().connections.length === 1)
})

it.each([
  ['ConnectionPoolingMultipleSocketTags, K35', ['one', 'other']],
  ['SpdySessionKeyPrivacyMode, K36', [undefined, 'without credentials']],
])('different isolation keeps requests apart (%s)', async (_row, [first, second]) => {
  const started = await serving(NAMES)
  const one = client()
  const a = await get(one, at('a', started), first === undefined ? {} : { isolation: first })
  const b = await get(one, at('b', started), { isolation: second })
  expect(b).toMatchObject({ coalesced: false, because: 'options-differ' })
  expect(await get(one, at('c', started), { isolation: second })).toMatchObject({ coalesced: true, id: b.id })
  expect(b.id).not.toBe(a.id)
})

it('other trust settings need another client, which shares nothing with the first (SSLConfigForServerChanged, K37)', async () => {
  const started = await serving(NAMES)
  const policy = coalescing()
  const [one, other] = [client({ reuse: policy }), client({ reuse: policy, tls: { ca: ca(), minVersion: 'TLSv1.3' } })]
  await get(one, at('a', started))
  expect(await get(other, at('b', started))).toMatchObject({ coalesced: false, because: 'first-connection' })
})

it('an alias that appears during the lookup is used (WebSocketOverHTTP2DetectsNewSessionWithAliasing, K38)', async () => {
  const started = await serving(NAMES)
  let answer: (() => void) | undefined
  const slow: typeof lookup = Object.assign(
    (host: string, options: object, callback: (...all: never[]) => void) => {
      const go = (): void => lookup(host, options as never, callback as never)
      if (host === 'b.example') answer = go
      else go()
    },
    { calls: [], table: {} },
  ) as never
  const one = client({ lookup: slow })
  const waiting = get(one, at('b', started))
  await until(() => answer !== undefined)
  const a = await get(one, at('a', started))
  answer!()
  expect(await waiting).toMatchObject({ coalesced: true, id: a.id })
  expect(one.stats().totals.dials).toBe(1)
})

it('at the limit the connection that has been idle longest is closed with its aliases (CloseOneIdleConnectionWithAlias, K39)', async () => {
  const started = await serving(NAMES)
  const elsewhere = await serving(NAMES, { address: '127.0.0.2', port: started.port })
  lookup.table['c.example'] = elsewhere.address
  const one = client({ maxIdleConnections: 1 })
  const a = await get(one, at('a', started))
  await get(one, at('b', started))
  await get(one, at('c', started))
  await until(() => one.stats().connections.length === 1)
  const again = await get(one, at('b', started))
  expect(again).toMatchObject({ coalesced: false, status: 200 })
  expect(again.id).not.toBe(a.id)
})

it('a PING for an origin uses the connection that serves it, whichever origin it was made for', async () => {
  const started = await serving(NAMES)
  const one = client()
  await get(one, at('a', started))
  await expect(one.ping(`https://b.example:${started.port}`)).rejects.toMatchObject({ code: 'ERR_NOT_CONNECTED' })
  await get(one, at('b', started))
  expect(await one.ping(`https://b.example:${started.port}`)).toBeGreaterThan(0)
})
