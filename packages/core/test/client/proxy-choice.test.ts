/** Selection of a proxy: every form of the option, and connections that must not be shared. */

import type { ProxySetting } from '../../src/index.js'
import { Client } from '../../src/index.js'
import { failureOf, proxyFixture, proxyNames, urlOf } from './proxy-fixture.js'

const fixture = proxyFixture()
const { server, tls, proxy, client: createClient, through } = fixture

it('without the option no proxy is used, whatever the environment contains', async () => {
  const origin = await server()
  const via = await proxy()
  await withEnvironment({ HTTPS_PROXY: via.url(), ALL_PROXY: via.url() }, async () => {
    const response = await createClient().request({ url: urlOf(origin) })
    expect(response.connection.proxy).toBeUndefined()
  })
  expect(via.connections).toBe(0)
})

it("with 'env' the environment is read when the client is created", async () => {
  const origin = await server()
  const via = await proxy()
  const client = await withEnvironment({ https_proxy: via.url(), no_proxy: 'b.test.example' }, async () =>
    createClient({ proxy: 'env' }),
  )
  expect((await client.request({ url: urlOf(origin) })).connection.proxy).toBe(via.url())
  expect((await client.request({ url: urlOf(origin, '/', 'b.test.example') })).connection.proxy).toBeUndefined()
  expect((await createClient({ proxy: 'env' }).request({ url: urlOf(origin) })).connection.proxy).toBeUndefined()
  await withEnvironment({ https_proxy: 'ftp://x' }, async () => expect(() => new Client({ proxy: 'env' })).toThrow('https_proxy'))
})

it('a proxy function is called once per origin, including isolated requests', async () => {
  const origin = await server()
  const [proxyA, proxyB] = [await proxy(), await proxy()]
  const origins: string[] = []
  const choose = (of: string): ProxySetting | undefined => {
    origins.push(of)
    return of.includes('//a.') ? proxyA.url() : of.includes('//b.') ? { url: new URL(proxyB.url()) } : undefined
  }
  const client = createClient({ proxy: choose })
  for (const [host, via] of [
    ['a', proxyA.url()],
    ['b', proxyB.url()],
    ['c', undefined],
    ['a', proxyA.url()],
    ['c', undefined],
  ] as const) {
    const response = await client.request({ url: urlOf(origin, '/', `${host}.test.example`), isolation: host })
    expect(response.connection.proxy).toBe(via)
    expect((await client.request({ url: urlOf(origin, '/', `${host}.test.example`) })).connection.proxy).toBe(via)
  }
  expect(origins).toEqual(['a', 'b', 'c'].map((host) => origin.url(`${host}.test.example`)))
})

it.each<[string, unknown]>([
  ['throws', () => raise(new Error('no idea'))],
  ['returns null', () => null],
  ['returns text that is not a valid URL', () => 'direct'],
  ['returns a promise', async () => undefined],
  ['returns an unknown option', () => ({ url: 'http://p', port: 1 })],
])('if the proxy function %s, the request is not sent and does not bypass the proxy', async (_title, choose) => {
  const origin = await server()
  const client = createClient({ proxy: choose as never })
  const error = await failureOf(client.request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ name: 'UsageError', processed: 'no' })
  expect(error!.message).toContain(origin.url('a.test.example'))
  expect(origin.connections).toBe(0)
  await client.close()
})

it('requests of different isolations share neither the tunnel nor the connection to the proxy', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const client = through(via.url())
  for (const isolation of ['red', 'blue', 'red']) await client.request({ url: urlOf(origin), isolation })
  expect([via.connections, via.tunnels.length, origin.connections]).toEqual([2, 2, 2])
})

it('trust in origins does not apply to proxies, nor the reverse', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const lookup = proxyNames()
  const client = createClient({ lookup, proxy: via.url() })
  const error = await failureOf(client.request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ name: 'ConnectError', phase: 'proxy', code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) })
  expect(error!.cause).toMatchObject({ code: (error as Error & { code: string }).code })
  const proxyOnly = createClient({ lookup, tls: {}, proxy: { url: via.url(), tls: { ca: fixture.authority.ca } } })
  await expect(proxyOnly.request({ url: urlOf(origin) })).rejects.toMatchObject({ phase: 'tls' })
})

it('a proxy with a certificate for another name is refused; its own checkServerIdentity applies', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls('other.example') })
  const error = await failureOf(through(via.url()).request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ phase: 'proxy', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  expect(error!.message).toContain(via.url())
  expect([via.tunnels.length, origin.connections]).toEqual([0, 0])
  const hosts: string[] = []
  const own = {
    url: via.url(),
    tls: {
      ca: fixture.authority.ca,
      checkServerIdentity: (host: string) => {
        hosts.push(host)
        return undefined
      },
    },
  }
  const customClient = createClient({ lookup: proxyNames(), proxy: own })
  expect((await customClient.request({ url: urlOf(origin) })).status).toBe(200)
  expect(hosts).toEqual(['proxy.test.example'])
})

it('TLS options of the proxy that OpenSSL rejects are reported as options of the proxy', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const client = createClient({ lookup: proxyNames(), proxy: { url: via.url(), tls: { cert: 'nonsense' } } })
  const error = await failureOf(client.request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ name: 'UsageError', message: expect.stringContaining(`proxy ${via.url()}`) })
})

/** Runs a function with only these proxy variables set. */
async function withEnvironment<Value>(variables: Record<string, string>, run: () => Promise<Value>): Promise<Value> {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (/_proxy$/i.test(name)) delete process.env[name]
  Object.assign(process.env, variables)
  try {
    return await run()
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

function raise(error: Error): never {
  throw error
}
