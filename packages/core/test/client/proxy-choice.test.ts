/** Proxy selection: every form of the option, and connections that must never be shared. */

import type { ProxySetting } from '../../src/index.js'
import { Client } from '../../src/index.js'
import { failureOf, proxyFixture, proxyNames, urlOf } from './proxy-fixture.js'

const world = proxyFixture()
const { server, tls, proxy, client, through } = world

it('without the option there is no proxy, whatever the environment contains', async () => {
  const origin = await server()
  const via = await proxy()
  await withEnvironment({ HTTPS_PROXY: via.url(), ALL_PROXY: via.url() }, async () => {
    const response = await client().request({ url: urlOf(origin) })
    expect(response.connection.proxy).toBeUndefined()
  })
  expect(via.connections).toBe(0)
})

it('the environment is read when the client is created', async () => {
  const origin = await server()
  const via = await proxy()
  const made = await withEnvironment({ https_proxy: via.url(), no_proxy: 'b.test.example' }, async () => client({ proxy: 'env' }))
  expect((await made.request({ url: urlOf(origin) })).connection.proxy).toBe(via.url())
  expect((await made.request({ url: urlOf(origin, '/', 'b.test.example') })).connection.proxy).toBeUndefined()
  expect((await client({ proxy: 'env' }).request({ url: urlOf(origin) })).connection.proxy).toBeUndefined()
  await withEnvironment({ https_proxy: 'ftp://x' }, async () => expect(() => new Client({ proxy: 'env' })).toThrow('https_proxy'))
})

it('a function is called once per origin, isolated requests included', async () => {
  const origin = await server()
  const [one, two] = [await proxy(), await proxy()]
  const asked: string[] = []
  const choose = (of: string): ProxySetting | undefined => {
    asked.push(of)
    return of.includes('//a.') ? one.url() : of.includes('//b.') ? { url: new URL(two.url()) } : undefined
  }
  const chooser = client({ proxy: choose })
  for (const [host, via] of [
    ['a', one.url()],
    ['b', two.url()],
    ['c', undefined],
    ['a', one.url()],
    ['c', undefined],
  ] as const) {
    const response = await chooser.request({ url: urlOf(origin, '/', `${host}.test.example`), isolation: host })
    expect(response.connection.proxy).toBe(via)
    expect((await chooser.request({ url: urlOf(origin, '/', `${host}.test.example`) })).connection.proxy).toBe(via)
  }
  expect(asked).toEqual(['a', 'b', 'c'].map((host) => origin.url(`${host}.test.example`)))
})

it.each<[string, unknown]>([
  ['throws', () => raise(new Error('no idea'))],
  ['returns null', () => null],
  ['returns text that is not a valid URL', () => 'direct'],
  ['returns a promise', async () => undefined],
  ['returns an unknown option', () => ({ url: 'http://p', port: 1 })],
])('if the function %s, the request is not sent, and does not bypass the proxy', async (_title, choose) => {
  const origin = await server()
  const made = client({ proxy: choose as never })
  const error = await failureOf(made.request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ name: 'UsageError', processed: 'no' })
  expect(error!.message).toContain(origin.url('a.test.example'))
  expect(origin.connections).toBe(0)
  await made.close()
})

it('requests with another isolation share neither the tunnel nor the connection to the proxy', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const one = through(via.url())
  for (const isolation of ['red', 'blue', 'red']) await one.request({ url: urlOf(origin), isolation })
  expect([via.connections, via.tunnels.length, origin.connections]).toEqual([2, 2, 2])
})

it('trust in origins is no trust in proxies, and the other way round', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const lookup = proxyNames()
  const noTrust = client({ lookup, proxy: via.url() })
  const untrusted = await failureOf(noTrust.request({ url: urlOf(origin) }))
  expect(untrusted).toMatchObject({ name: 'ConnectError', phase: 'proxy', code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO/) })
  expect(untrusted!.cause).toMatchObject({ code: (untrusted as Error & { code: string }).code })
  const proxyOnly = client({ lookup, tls: {}, proxy: { url: via.url(), tls: { ca: world.authority.ca } } })
  await expect(proxyOnly.request({ url: urlOf(origin) })).rejects.toMatchObject({ phase: 'tls' })
})

it('a proxy with a certificate for another name', async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls('other.example') })
  const error = await failureOf(through(via.url()).request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ phase: 'proxy', cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } })
  expect(error!.message).toContain(via.url())
  expect([via.tunnels.length, origin.connections]).toEqual([0, 0])
  const seen: string[] = []
  const own = {
    url: via.url(),
    tls: {
      ca: world.authority.ca,
      checkServerIdentity: (host: string) => {
        seen.push(host)
        return undefined
      },
    },
  }
  const checked = client({ lookup: proxyNames(), proxy: own })
  expect((await checked.request({ url: urlOf(origin) })).status).toBe(200)
  expect(seen).toEqual(['proxy.test.example'])
})

it("TLS options of the proxy that OpenSSL rejects are reported as the proxy's", async () => {
  const origin = await server()
  const via = await proxy({ tls: await tls() })
  const wrong = client({ lookup: proxyNames(), proxy: { url: via.url(), tls: { cert: 'nonsense' } } })
  const error = await failureOf(wrong.request({ url: urlOf(origin) }))
  expect(error).toMatchObject({ name: 'UsageError', message: expect.stringContaining(`proxy ${via.url()}`) })
})

/** Runs with these proxy variables only. */
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
