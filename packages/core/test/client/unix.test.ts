/** Unix sockets by URL and by option, with the servers of Node. */

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { staticLookup } from '@unshard/testkit'
import type { ClientOptions, ProxyOption, ReusePolicy } from '../../src/index.js'
import { parseOrigin, parseRequestUrl } from '../../src/message/origin.js'
import { clientFixture } from './fixture.js'

const fixture = clientFixture()
const { client: createClient, defer } = fixture
let path: string
beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'unix '))
  path = join(directory, 'a.sock')
  defer(() => rm(directory, { recursive: true, force: true }))
})

async function listen<T extends Server>(server: T): Promise<{ connections: number }> {
  const state = { connections: 0 }
  server.on('connection', (socket) => {
    state.connections++
    defer(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  defer(() => void server.close())
  return state
}

type Respond = (request: { headers: object; url?: string }, response: { end(text: string): unknown }) => void
const echo: Respond = ({ headers, url }, response) => {
  const { host, ':authority': authority = host } = headers as Record<string, string>
  response.end(JSON.stringify({ authority, url }))
}
const url = (scheme: string, pathAndQuery = '/v1/info?q=1'): string =>
  `${scheme}+unix://${encodeURIComponent(path)}${pathAndQuery}`

/** A resolver that must not be called. */
const NO_LOOKUP = { lookup: staticLookup() } satisfies ClientOptions
/** A proxy that does not exist and must not be bypassed. */
const PROXY = 'http://proxy.test.example:1'

it('a URL of a socket does not bypass the proxy unless the proxy function allows it', async () => {
  const server = await listen(http.createServer(echo as never))
  const refused = { name: 'UsageError', code: 'ERR_PROXY_BYPASS', processed: 'no', message: expect.stringContaining('proxy') }
  const everyOrigin: ProxyOption[] = [PROXY, { url: PROXY }, () => PROXY]
  for (const proxy of everyOrigin) {
    const client = createClient({ ...NO_LOOKUP, proxy, unixSockets: true })
    await expect(client.request({ url: url('http') })).rejects.toMatchObject(refused)
    await expect(client.connect(url('http'))).rejects.toMatchObject(refused)
    await expect(client.explain(url('https'))).rejects.toMatchObject(refused)
    await expect(client.warm([url('http')])).rejects.toMatchObject(refused)
  }
  expect(server.connections).toBe(0)
  const direct = createClient({ ...NO_LOOKUP, proxy: (origin) => (origin.startsWith('http+unix:') ? undefined : PROXY) })
  expect((await direct.request({ url: url('http') })).status).toBe(200)
})

describe('URLs', () => {
  it('http+unix: HTTP/1.1 for localhost, without DNS and proxy', async () => {
    const server = await listen(http.createServer(echo as never))
    const lookup = staticLookup()
    const client = createClient({ ...NO_LOOKUP, lookup })
    for (let i = 0; i < 3; i++) {
      const response = await client.request({ url: url('http') })
      expect(await response.json()).toEqual({ authority: 'localhost', url: '/v1/info?q=1' })
      expect(response.connection).toMatchObject({
        protocol: 'http/1.1',
        remoteAddress: undefined,
        proxy: undefined,
        coalesced: false,
      })
    }
    expect([server.connections, lookup.calls]).toEqual([1, []])
    expect(client.stats().connections[0]!.origin).toBe(`http+unix://${encodeURIComponent(path)}`)
  })

  it('http+unix: HTTP/2 with prior knowledge', async () => {
    const server = await listen(http2.createServer({}, echo as never) as unknown as Server)
    const client = createClient({ ...NO_LOOKUP, cleartextProtocol: 'h2' })
    const answers = await Promise.all([1, 2, 3].map((i) => client.request({ url: url('http', `/${i}`) })))
    expect(await Promise.all(answers.map((each) => each.json()))).toEqual(
      [1, 2, 3].map((i) => ({ authority: 'localhost', url: `/${i}` })),
    )
    expect(answers[0]!.connection).toMatchObject({ protocol: 'h2', because: 'unix-socket' })
    expect(server.connections).toBe(1)
  })

  it.each(['h2', 'http/1.1'] as const)('https+unix: TLS for localhost, ALPN chooses %s', async (protocol) => {
    const credentials = await fixture.tls('localhost')
    const secure =
      protocol === 'h2'
        ? (http2.createSecureServer({ ...credentials }, echo as never) as unknown as Server)
        : https.createServer({ ...credentials, ALPNProtocols: ['http/1.1'] }, echo as never)
    await listen(secure)
    const response = await createClient(NO_LOOKUP).request({ url: url('https') })
    expect(await response.json()).toEqual({ authority: 'localhost', url: '/v1/info?q=1' })
    expect(response.connection.protocol).toBe(protocol)
  })

  it('https+unix: a certificate for another name is refused', async () => {
    await listen(https.createServer({ ...(await fixture.tls()), ALPNProtocols: ['http/1.1'] }, echo as never))
    await expect(createClient(NO_LOOKUP).request({ url: url('https') })).rejects.toMatchObject({ phase: 'tls' })
  })

  it('contain the path of the socket and the path of the request', () => {
    expect(parseRequestUrl('http+unix://%2Fvar%2Frun%2Fdocker.sock/v1/../v2/info?a=b#top')).toEqual({
      origin: {
        ...{ serialized: 'http+unix://%2Fvar%2Frun%2Fdocker.sock', scheme: 'http', host: 'localhost', port: 80 },
        ...{ authority: 'localhost', isAddress: false, socketPath: '/var/run/docker.sock' },
      },
      path: '/v2/info?a=b',
    })
    const client = parseOrigin('https+unix://%2frun%2fA%20b.sock')
    expect(client).toMatchObject({ serialized: 'https+unix://%2Frun%2FA%20b.sock', scheme: 'https', socketPath: '/run/A b.sock' })
    expect(parseOrigin('https+unix://%2Frun%2FA%20b.sock/x')).toBe(client)
    expect(parseRequestUrl('https+unix://%2Frun%2FA%20b.sock/x')).toEqual({ origin: client, path: '/x' })
    expect(parseRequestUrl('https+unix:///run/A%20b.sock')).toEqual({ origin: client, path: '/' })
  })

  it.each([
    ['http+unix://', 'ERR_INVALID_URL'],
    ['http+unix://%00a/', 'ERR_INVALID_URL'],
    ['http+unix://%ff/', 'ERR_INVALID_URL'],
    ['http+unix://%2Fa.sock:80/', 'ERR_INVALID_URL'],
    ['http+unix://user@%2Fa.sock/', 'ERR_URL_CREDENTIALS'],
  ])('%s is refused', (text, code) => {
    expect(() => parseRequestUrl(text)).toThrow(expect.objectContaining({ name: 'UsageError', code }))
  })
})

describe('socketPath', () => {
  it.each(['http', 'https'])('is used for every %s origin; the scheme decides whether TLS is used', async (scheme) => {
    const credentials = await fixture.tls()
    const server = await listen(
      scheme === 'http'
        ? http.createServer(echo as never)
        : (http2.createSecureServer({ ...credentials }, echo as never) as unknown as Server),
    )
    const candidates: unknown[] = []
    const reuse: ReusePolicy = {
      verdict: (candidate) => {
        candidates.push(candidate)
        return { use: true, because: 'whatever' }
      },
      misdirected: () => undefined,
    }
    const client = createClient({ ...NO_LOOKUP, proxy: PROXY, socketPath: path, reuse })
    for (const host of ['a.test.example', 'b.test.example:8443']) {
      const response = await client.request({ url: `${scheme}://${host}/x` })
      expect(await response.json()).toEqual({ authority: host, url: '/x' })
    }
    // Each origin has its own connection, whatever the policy allows.
    expect([server.connections, candidates]).toEqual([2, []])
  })

  it('of one pool applies only to that pool', async () => {
    await listen(http.createServer(echo as never))
    const tcpServer = await fixture.server({ tls: undefined, protocols: ['http/1.1'] })
    const client = createClient({ pools: { 'http://a.test.example': { socketPath: path }, tagged: { socketPath: path } } })
    expect(await (await client.request({ url: 'http://a.test.example/1' })).json()).toMatchObject({ url: '/1' })
    const isolated = await client.request({ url: `${tcpServer.url('b.test.example')}/2`, isolation: 'tagged' })
    expect(await isolated.json()).toMatchObject({ url: '/2' })
    expect(await (await client.request({ url: `${tcpServer.url('b.test.example')}/` })).text()).toMatch(/^hello/)
    expect(tcpServer.requests).toHaveLength(1)
  })

  it('as a URL names the settings of a pool', async () => {
    await listen(http2.createServer({}, echo as never) as unknown as Server)
    const client = createClient({ pools: { [url('http', '')]: { cleartextProtocol: 'h2' } } })
    expect((await client.request({ url: url('http') })).connection.protocol).toBe('h2')
  })

  it.each(['', 'a\0b', 7])('is refused with the value %j', (socketPath) => {
    expect(() => createClient({ socketPath } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

describe('a dial to a socket', () => {
  const failing = (code: string) => ({
    ...{ name: 'ConnectError', phase: 'tcp', processed: 'no', cause: { code } },
    message: expect.stringContaining(path),
  })

  it('fails with ENOENT if the path does not exist', async () => {
    await expect(createClient().request({ url: url('http') })).rejects.toMatchObject(failing('ENOENT'))
  })

  it('fails with ECONNREFUSED without a listener', async () => {
    // A killed server leaves its path behind.
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const { rename } = await import('node:fs/promises')
    await rename(path, `${path}.left`)
    await new Promise((resolve) => server.close(resolve))
    await rename(`${path}.left`, path)
    await expect(createClient().request({ url: url('http') })).rejects.toMatchObject(failing('ECONNREFUSED'))
  })

  const superuser = process.getuid?.() === 0
  ;(superuser ? it.skip : it)(
    `fails with EACCES without permission${superuser ? ' (SKIPPED: root has every permission)' : ''}`,
    async () => {
      await listen(http.createServer(echo as never))
      await chmod(path, 0)
      await expect(createClient().request({ url: url('http') })).rejects.toMatchObject(failing('EACCES'))
    },
  )

  it('ends at an abort', async () => {
    const candidates = createClient().request({ url: url('http'), signal: AbortSignal.abort('enough') })
    await expect(candidates).rejects.toBe('enough')
  })
})
