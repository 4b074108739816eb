/** Third-party proxies: Apache supports CONNECT over HTTP/1.1, nghttpx over HTTP/2. */

import { type ExternalServer, patternBytes, startApacheProxy, startNghttpx } from '@unshard/testkit'
import { proxyFixture, urlOf } from '../client/proxy-fixture.js'

const fixture = proxyFixture()
const { server, tls, proxy, through, defer } = fixture

/** Starts a proxy. Returns undefined if it is not installed, after a warning. */
async function startProgram(starting: Promise<ExternalServer | undefined>): Promise<ExternalServer | undefined> {
  const program = await starting
  if (program !== undefined) defer(() => program.stop())
  return program
}

/** Starts an origin whose name Apache can resolve: Apache resolves names itself. */
const origin = async (protocols?: readonly ('h2' | 'http/1.1')[]) =>
  server({ tls: await fixture.authority.issue({ names: ['localhost'] }), ...(protocols && { protocols }) })

describe.each(['http', 'https'])('Apache as an %s proxy', (scheme) => {
  it.each(['h2', 'http/1.1'] as const)('opens a tunnel to an origin over %s, with credentials', async (protocol) => {
    const apache = await startProgram(
      startApacheProxy({ credentials: 'user:pä ss', ...(scheme === 'https' && { tls: await tls() }) }),
    )
    if (apache === undefined) return
    const target = await origin([protocol])
    const url = (user: string): string => `${scheme}://${user}@proxy.test.example:${apache.port}`
    const client = through(url('user:p%C3%A4%20ss'))
    const body = patternBytes(1_000_000)
    const response = await client.request({ url: urlOf(target, '/echo', 'localhost'), method: 'POST', body })
    expect(Buffer.from(await response.bytes()).equals(body)).toBe(true)
    expect(response.connection).toMatchObject({ protocol, proxy: `${scheme}://proxy.test.example:${apache.port}` })
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        (await client.request({ url: urlOf(target, `/bytes/${i}`, 'localhost') })).bytes(),
      ),
    )
    expect(answers.map(({ length }) => length)).toEqual(answers.map((_, i) => i))
    expect(target.connections).toBeLessThanOrEqual(protocol === 'h2' ? 1 : 6)
    await expect(through(url('user:wrong')).request({ url: urlOf(target, '/', 'localhost') })).rejects.toMatchObject({
      phase: 'proxy',
      code: 'ERR_PROXY_AUTHENTICATION',
      status: 407,
    })
  })

  it('forwards requests to an http origin, and answers for an origin that it cannot reach', async () => {
    const apache = await startProgram(startApacheProxy(scheme === 'https' ? { tls: await tls() } : {}))
    if (apache === undefined) return
    const target = await server({ tls: undefined, protocols: ['http/1.1'] })
    const client = through(`${scheme}://proxy.test.example:${apache.port}`)
    const response = await client.request({ url: urlOf(target, '/inspect', 'localhost'), method: 'POST', body: 'content' })
    expect(await response.json()).toMatchObject({ path: '/inspect', body: { length: 7 } })
    await target.close()
    expect((await client.request({ url: urlOf(target, '/', 'localhost') })).status).toBe(503)
    await expect(client.request({ url: `https://localhost:${target.port}/` })).rejects.toMatchObject({
      phase: 'proxy',
      status: 503,
    })
    await expect(client.request({ url: 'https://localhost:81/' })).rejects.toMatchObject({ phase: 'proxy', status: 403 })
  })
})

describe('nghttpx', () => {
  it('carries tunnels to several origins on one HTTP/2 connection, with megabytes both ways', async () => {
    const next = await proxy()
    const nghttpx = await startProgram(startNghttpx({ tls: await tls(), nextPort: next.port }))
    if (nghttpx === undefined) return
    const target = await server()
    const client = through(`https://proxy.test.example:${nghttpx.port}`)
    const body = patternBytes(5_000_000)
    const echoed = await Promise.all(
      ['a', 'b', 'c'].map(async (host) => {
        const response = await client.request({ url: urlOf(target, '/echo', `${host}.test.example`), method: 'POST', body })
        expect(response.connection).toMatchObject({ protocol: 'h2', remotePort: nghttpx.port })
        return { same: Buffer.from(await response.bytes()).equals(body), from: response.connection.localPort }
      }),
    )
    expect(echoed.map(({ same }) => same)).toEqual([true, true, true])
    // One local port: one connection for all origins.
    expect(new Set(echoed.map(({ from }) => from)).size).toBe(1)
    expect([next.tunnels.length, target.connections]).toEqual([3, 3])
  })

  it('forwards the response of the next proxy as the status of the CONNECT', async () => {
    const next = await proxy({ credentials: 'user:pass' })
    const nghttpx = await startProgram(startNghttpx({ tls: await tls(), nextPort: next.port }))
    if (nghttpx === undefined) return
    const url = (user: string): string => `https://${user}@proxy.test.example:${nghttpx.port}`
    const target = await server()
    expect((await through(url('user:pass')).request({ url: urlOf(target) })).status).toBe(200)
    await expect(through(url('user:wrong')).request({ url: urlOf(target) })).rejects.toMatchObject({
      phase: 'proxy',
      code: 'ERR_PROXY_AUTHENTICATION',
      status: 407,
    })
  })
})
