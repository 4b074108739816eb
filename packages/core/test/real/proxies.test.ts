/** Proxies that other people wrote: Apache takes CONNECT over HTTP/1.1, nghttpx over HTTP/2. */

import { type ExternalServer, patternBytes, startApacheProxy, startNghttpx } from '@unshard/testkit'
import { proxyFixture, urlOf } from '../client/proxy-fixture.js'

const world = proxyFixture()
const { server, tls, proxy, through, defer } = world

/** A real proxy, or undefined where it is not installed, which has been said. */
async function started(starting: Promise<ExternalServer | undefined>): Promise<ExternalServer | undefined> {
  const program = await starting
  if (program !== undefined) defer(() => program.stop())
  return program
}

/** Apache resolves names itself, and knows no others than this machine's. */
const origin = async (protocols?: readonly ('h2' | 'http/1.1')[]) =>
  server({ tls: await world.authority.issue({ names: ['localhost'] }), ...(protocols && { protocols }) })

describe.each(['http', 'https'])('Apache as an %s proxy', (scheme) => {
  it.each(['h2', 'http/1.1'] as const)('to an origin that speaks %s, with credentials', async (protocol) => {
    const apache = await started(startApacheProxy({ credentials: 'user:pä ss', ...(scheme === 'https' && { tls: await tls() }) }))
    if (apache === undefined) return
    const to = await origin([protocol])
    const url = (user: string): string => `${scheme}://${user}@proxy.test.example:${apache.port}`
    const one = through(url('user:p%C3%A4%20ss'))
    const body = patternBytes(1_000_000)
    const response = await one.request({ url: urlOf(to, '/echo', 'localhost'), method: 'POST', body })
    expect(Buffer.from(await response.bytes()).equals(body)).toBe(true)
    expect(response.connection).toMatchObject({ protocol, proxy: `${scheme}://proxy.test.example:${apache.port}` })
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => (await one.request({ url: urlOf(to, `/bytes/${i}`, 'localhost') })).bytes()),
    )
    expect(answers.map(({ length }) => length)).toEqual(answers.map((_, i) => i))
    expect(to.connections).toBeLessThanOrEqual(protocol === 'h2' ? 1 : 6)
    await expect(through(url('user:wrong')).request({ url: urlOf(to, '/', 'localhost') })).rejects.toMatchObject({
      phase: 'proxy',
      code: 'ERR_PROXY_AUTHENTICATION',
      status: 407,
    })
  })

  it('forwards requests to an http origin, and answers for one that it cannot reach', async () => {
    const apache = await started(startApacheProxy(scheme === 'https' ? { tls: await tls() } : {}))
    if (apache === undefined) return
    const to = await server({ tls: undefined, protocols: ['http/1.1'] })
    const one = through(`${scheme}://proxy.test.example:${apache.port}`)
    const response = await one.request({ url: urlOf(to, '/inspect', 'localhost'), method: 'POST', body: 'content' })
    expect(await response.json()).toMatchObject({ path: '/inspect', body: { length: 7 } })
    await to.close()
    expect((await one.request({ url: urlOf(to, '/', 'localhost') })).status).toBe(503)
    await expect(one.request({ url: `https://localhost:${to.port}/` })).rejects.toMatchObject({ phase: 'proxy', status: 503 })
    await expect(one.request({ url: 'https://localhost:81/' })).rejects.toMatchObject({ phase: 'proxy', status: 403 })
  })
})

describe('nghttpx', () => {
  it('tunnels to several origins share one HTTP/2 connection to it, megabytes both ways', async () => {
    const next = await proxy()
    const nghttpx = await started(startNghttpx({ tls: await tls(), nextPort: next.port }))
    if (nghttpx === undefined) return
    const to = await server()
    const one = through(`https://proxy.test.example:${nghttpx.port}`)
    const body = patternBytes(5_000_000)
    const echoed = await Promise.all(
      ['a', 'b', 'c'].map(async (host) => {
        const response = await one.request({ url: urlOf(to, '/echo', `${host}.test.example`), method: 'POST', body })
        expect(response.connection).toMatchObject({ protocol: 'h2', remotePort: nghttpx.port })
        return { same: Buffer.from(await response.bytes()).equals(body), from: response.connection.localPort }
      }),
    )
    expect(echoed.map(({ same }) => same)).toEqual([true, true, true])
    // One port here: one connection, whichever origin.
    expect(new Set(echoed.map(({ from }) => from)).size).toBe(1)
    expect([next.tunnels.length, to.connections]).toEqual([3, 3])
  })

  it('what the next proxy answers arrives as the status of the CONNECT', async () => {
    const next = await proxy({ credentials: 'user:pass' })
    const nghttpx = await started(startNghttpx({ tls: await tls(), nextPort: next.port }))
    if (nghttpx === undefined) return
    const url = (user: string): string => `https://${user}@proxy.test.example:${nghttpx.port}`
    const to = await server()
    expect((await through(url('user:pass')).request({ url: urlOf(to) })).status).toBe(200)
    await expect(through(url('user:wrong')).request({ url: urlOf(to) })).rejects.toMatchObject({
      phase: 'proxy',
      code: 'ERR_PROXY_AUTHENTICATION',
      status: 407,
    })
  })
})
