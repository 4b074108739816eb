// OkHttp's ConnectionCoalescingTest as requirements, on real servers. Each title ends with the name
// of the original test and the row of the coalescing matrix.
import { checkServerIdentity } from 'node:tls'
import { FakeClock, type OriginServer, startTcpProxy } from '@unshard/testkit'
import { createFetch } from '../../src/index.js'
import { sharingFixture } from './fixture.js'

const NAMES = ['host.example', 'san.example', '*.wildcard.example']
const { ca, client, defer, get, lookup, serving, until } = sharingFixture({
  'host.example': '127.0.0.1',
  'san.example': '127.0.0.1',
  'www.wildcard.example': '127.0.0.1',
  'nonsan.example': '127.0.0.1',
})

const at = (host: string, { port }: { port: number }, path = '/'): string => `https://${host}:${port}${path}`

/** Redirects host.example/to/<host> there. */
const redirecting = (): Promise<OriginServer> =>
  serving(NAMES, {
    handler: (request, response) => {
      const [, host, port] = /^\/to\/([^:]+):(\d+)/.exec(request.url!) ?? []
      if (host === undefined) response.end('there')
      else response.writeHead(301, { location: `https://${host}:${port}/` }).end()
    },
  })

it.each([
  ['commonThenAlternative, K01', 'host.example', 'san.example'],
  ['alternativeThenCommon, K02', 'san.example', 'host.example'],
  ['commonThenWildcard, K15', 'host.example', 'www.wildcard.example'],
])('the hosts share one connection (%s)', async (_row, first, second) => {
  const started = await serving(NAMES)
  const one = client()
  const [a, b] = [await get(one, at(first, started)), await get(one, at(second, started))]
  expect([a.text, b.text]).toEqual([`${first}:${started.port}`, `${second}:${started.port}`])
  expect([a.coalesced, b.coalesced, a.id === b.id]).toEqual([false, true, true])
  expect([started.connections, started.handshakes]).toEqual([1, 1])
})

it('a request uses a new connection if the socket was closed while idle (staleCoalescedConnection, K03)', async () => {
  const started = await serving(NAMES)
  const one = client()
  await get(one, at('host.example', started))
  for (const session of started.sessions) session.destroy()
  await until(() => one.stats().connections.length === 0)
  expect(await get(one, at('san.example', started))).toMatchObject({ status: 200, coalesced: false })
  expect(one.stats().connections).toHaveLength(1)
})

it('a request that gave up its own connection for a shared one, and loses that, still succeeds (coalescedConnectionDestroyedAfterAcquire, K04)', async () => {
  const started = await serving(NAMES)
  const relay = await startTcpProxy(started.port)
  defer(() => relay.close())
  const clock = new FakeClock()
  const one = client({ clock })
  // The handshake of the first takes longer than the second waits, so the second dials by itself.
  relay.pause()
  const first = get(one, at('host.example', relay))
  await until(() => relay.connections === 1)
  const second = get(one, at('san.example', relay))
  await until(() => lookup.calls.includes('san.example'))
  await new Promise((resolve) => setImmediate(resolve))
  clock.advance(250)
  await until(() => relay.connections === 2)
  relay.resume()
  const [a, b] = await Promise.all([first, second])
  expect([a.status, b.status]).toEqual([200, 200])
  expect(one.stats().connections.filter(({ state }) => state === 'open').length).toBeLessThanOrEqual(2)
  for (const session of started.sessions) session.destroy()
  // Both are closing: the request meets the one, then the other, and pauses before its third
  // attempt.
  const last = get(one, at('san.example', relay))
  let over = false
  void last.then(() => {
    over = true
  })
  await until(() => {
    clock.advance(1)
    return over
  })
  expect(await last).toMatchObject({ status: 200 })
})

it('names without address, or with another one, do not share (skipsWhenDnsDontMatch, K05)', async () => {
  const started = await serving(NAMES)
  const one = client()
  await get(one, at('host.example', started))
  delete lookup.table['san.example']
  await expect(get(one, at('san.example', started))).rejects.toMatchObject({ phase: 'resolve' })
  lookup.table['www.wildcard.example'] = '127.0.0.9'
  await expect(get(one, at('www.wildcard.example', started))).rejects.toMatchObject({ phase: 'tcp' })
  expect(started.requests).toHaveLength(1)
})

it('skipsOnRedirectWhenDnsDontMatch, K06', async () => {
  const started = await redirecting()
  lookup.table['san.example'] = '127.0.0.9'
  const fetch = createFetch(client())
  const failing = fetch(at('host.example', started, `/to/san.example:${started.port}`))
  await expect(failing).rejects.toMatchObject({ cause: { phase: 'tcp' } })
  expect(started.requests).toHaveLength(1)
})

it('a name outside the SAN gets a dedicated connection, which fails (skipsWhenNotSubjectAltName, K07)', async () => {
  const started = await serving(NAMES)
  const one = client()
  await get(one, at('host.example', started))
  const failing = get(one, at('nonsan.example', started))
  await expect(failing).rejects.toMatchObject({ phase: 'tls', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  expect([started.requests.length, started.connections]).toEqual([1, 2])
})

it('skipsOnRedirectWhenNotSubjectAltName, K08', async () => {
  const started = await redirecting()
  const fetch = createFetch(client())
  const failing = fetch(at('host.example', started, `/to/nonsan.example:${started.port}`))
  await expect(failing).rejects.toMatchObject({ cause: { phase: 'tls' } })
  expect(started.requests).toHaveLength(1)
})

it('a redirect to a host that may share uses the same connection', async () => {
  const started = await redirecting()
  const response = await createFetch(client())(at('host.example', started, `/to/san.example:${started.port}`))
  expect([await response.text(), response.connection?.coalesced, started.connections]).toEqual(['there', true, 1])
})

/** The check of a client that requires one key per host, like OkHttp's pins. */
const pinning =
  (pinned: string, fingerprint: string): typeof checkServerIdentity =>
  (host, certificate) => {
    if (host === pinned && certificate.fingerprint256 !== fingerprint) return new Error(`${host} is pinned`)
    return checkServerIdentity(host, certificate)
  }

describe('pins', () => {
  const tls = (pinned: string, fingerprint: string) => ({ ca: ca(), checkServerIdentity: pinning(pinned, fingerprint) })

  it('coalescesWhenCertificatePinsMatch, K09', async () => {
    const started = await serving(NAMES)
    let fingerprint = ''
    const checking: typeof checkServerIdentity = (host, certificate) => {
      fingerprint ||= certificate.fingerprint256
      return pinning('san.example', fingerprint)(host, certificate)
    }
    const one = client({ tls: { ca: ca(), checkServerIdentity: checking } })
    await get(one, at('host.example', started))
    expect(await get(one, at('san.example', started))).toMatchObject({ coalesced: true })
  })

  it('a dedicated connection fails on the pin (skipsWhenCertificatePinningFails, K10)', async () => {
    const started = await serving(NAMES)
    const one = client({ tls: tls('san.example', 'another') })
    await get(one, at('host.example', started))
    await expect(get(one, at('san.example', started))).rejects.toMatchObject({
      phase: 'tls',
      cause: { message: 'san.example is pinned' },
    })
    expect(started.requests).toHaveLength(1)
  })

  it('skipsOnRedirectWhenCertificatePinningFails, K11', async () => {
    const started = await redirecting()
    const fetch = createFetch(client({ tls: tls('san.example', 'another') }))
    const failing = fetch(at('host.example', started, `/to/san.example:${started.port}`))
    await expect(failing).rejects.toMatchObject({ cause: { phase: 'tls' } })
    expect(started.requests).toHaveLength(1)
  })
})

describe.each([
  ['skipsWhenHostnameVerifierUsed, K12', false],
  ['skipsOnRedirectWhenHostnameVerifierUsed, K13', true],
])('the own check is called again for the new host, more precisely than in the matrix (%s)', (_row, redirect) => {
  it.each([[true], [false]])('and the result is %s', async (accepts) => {
    const started = await redirecting()
    const asked: string[] = []
    const verifier = (host: string): Error | undefined => {
      asked.push(host)
      return accepts || host === 'host.example' ? undefined : new Error('no')
    }
    const one = client({ tls: { ca: ca(), checkServerIdentity: verifier } })
    const fetch = createFetch(one)
    const first = at('host.example', started, redirect ? `/to/san.example:${started.port}` : '/')
    const go = async (): Promise<boolean> => {
      const response = await fetch(first)
      await response.text()
      return redirect ? response.connection?.coalesced === true : (await get(one, at('san.example', started))).coalesced
    }
    if (accepts) expect(await go()).toBe(true)
    else await expect(go()).rejects.toThrow()
    expect(asked).toContain('san.example')
    expect(started.requests.some(({ authority: name }) => name.startsWith('san.'))).toBe(accepts)
  })
})

it('the connected one of several addresses is chosen (prefersExistingCompatible, K14)', async () => {
  const started = await serving(NAMES)
  lookup.table['san.example'] = ['127.0.0.9', '127.0.0.1']
  const one = client()
  await get(one, at('host.example', started))
  expect(await get(one, at('san.example', started))).toMatchObject({ coalesced: true, remoteAddress: '127.0.0.1' })
  expect(one.stats().totals.dials).toBe(1)
})

it('interceptors do not prevent sharing (worksWithNetworkInterceptors, K16)', async () => {
  const started = await serving(NAMES)
  const one = client({ retry: true })
  const onInformational = (): void => undefined
  await get(one, at('host.example', started), { onInformational })
  expect(await get(one, at('san.example', started), { onInformational })).toMatchObject({ coalesced: true })
})

it('a client that trusts every certificate shares nothing (redirectWithDevSetup, K18)', async () => {
  const started = await redirecting()
  const fetch = createFetch(client({ tls: { rejectUnauthorized: false } }))
  const response = await fetch(at('host.example', started, `/to/san.example:${started.port}`))
  expect(response.connection?.coalesced).toBe(false)
  expect(started.connections).toBe(2)
})
