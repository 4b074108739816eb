/** Unix sockets by URL and by option, with Node's own servers. */

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

const world = clientFixture()
const { client, defer } = world
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
const url = (scheme: string, rest = '/v1/info?q=1'): string => `${scheme}+unix://${encodeURIComponent(path)}${rest}`

/** A resolver that must not be called. */
const ALONE = { lookup: staticLookup() } satisfies ClientOptions
/** A nonexistent proxy that must not be bypassed. */
const PROXY = 'http://proxy.test.example:1'

it('a URL of a socket does not bypass the proxy, unless the proxy function allows it', async () => {
  const server = await listen(http.createServer(echo as never))
  const refused = { name: 'UsageError', code: 'ERR_PROXY_BYPASS', processed: 'no', message: expect.stringContaining('proxy') }
  const everyOrigin: ProxyOption[] = [PROXY, { url: PROXY }, () => PROXY]
  for (const proxy of everyOrigin) {
    const one = client({ ...ALONE, proxy, unixSockets: true })
    await expect(one.request({ url: url('http') })).rejects.toMatchObject(refused)
    await expect(one.connect(url('http'))).rejects.toMatchObject(refused)
    await expect(one.explain(url('https'))).rejects.toMatchObject(refused)
    await expect(one.warm([url('http')])).rejects.toMatchObject(refused)
  }
  expect(server.connections).toBe(0)
  const direct = client({ ...ALONE, proxy: (origin) => (origin.startsWith('http+unix:') ? undefined : PROXY) })
  expect((await direct.request({ url: url('http') })).status).toBe(200)
})

describe('URLs', () => {
  it('http+unix: HTTP/1.1 for localhost, without DNS or proxy', async () => {
    const server = await listen(http.createServer(echo as never))
    const lookup = staticLookup()
    const one = client({ ...ALONE, lookup })
    for (let i = 0; i < 3; i++) {
      const response = await one.request({ url: url('http') })
      expect(await response.json()).toEqual({ authority: 'localhost', url: '/v1/info?q=1' })
      expect(response.connection).toMatchObject({
        protocol: 'http/1.1',
        remoteAddress: undefined,
        proxy: undefined,
        coalesced: false,
      })
    }
    expect([server.connections, lookup.calls]).toEqual([1, []])
    expect(one.stats().connections[0]!.origin).toBe(`http+unix://${encodeURIComponent(path)}`)
  })

  it('http+unix: HTTP/2 with prior knowledge', async () => {
    const server = await listen(http2.createServer({}, echo as never) as unknown as Server)
    const one = client({ ...ALONE, cleartextProtocol: 'h2' })
    const answers = await Promise.all([1, 2, 3].map((i) => one.request({ url: url('http', `/${i}`) })))
    expect(await Promise.all(answers.map((each) => each.json()))).toEqual(
      [1, 2, 3].map((i) => ({ authority: 'localhost', url: `/${i}` })),
    )
    expect(answers[0]!.connection).toMatchObject({ protocol: 'h2', because: 'unix-socket' })
    expect(server.connections).toBe(1)
  })

  it.each(['h2', 'http/1.1'] as const)('https+unix: TLS for localhost, ALPN chooses %s', async (protocol) => {
    const credentials = await world.tls('localhost')
    const secure =
      protocol === 'h2'
        ? (http2.createSecureServer({ ...credentials }, echo as never) as unknown as Server)
        : https.createServer({ ...credentials, ALPNProtocols: ['http/1.1'] }, echo as never)
    await listen(secure)
    const response = await client(ALONE).request({ url: url('https') })
    expect(await response.json()).toEqual({ authority: 'localhost', url: '/v1/info?q=1' })
    expect(response.connection.protocol).toBe(protocol)
  })

  it('https+unix: a certificate for another name is refused', async () => {
    await listen(https.createServer({ ...(await world.tls()), ALPNProtocols: ['http/1.1'] }, echo as never))
    await expect(client(ALONE).request({ url: url('https') })).rejects.toMatchObject({ phase: 'tls' })
  })

  it('are split into the path of the socket and the path of the request', () => {
    expect(parseRequestUrl('http+unix://%2Fvar%2Frun%2Fdocker.sock/v1/../v2/info?a=b#top')).toEqual({
      origin: {
        ...{ serialized: 'http+unix://%2Fvar%2Frun%2Fdocker.sock', scheme: 'http', host: 'localhost', port: 80 },
        ...{ authority: 'localhost', isAddress: false, socketPath: '/var/run/docker.sock' },
      },
      path: '/v2/info?a=b',
    })
    const one = parseOrigin('https+unix://%2frun%2fA%20b.sock')
    expect(one).toMatchObject({ serialized: 'https+unix://%2Frun%2FA%20b.sock', scheme: 'https', socketPath: '/run/A b.sock' })
    expect(parseOrigin('https+unix://%2Frun%2FA%20b.sock/x')).toBe(one)
    expect(parseRequestUrl('https+unix://%2Frun%2FA%20b.sock/x')).toEqual({ origin: one, path: '/x' })
    expect(parseRequestUrl('https+unix:///run/A%20b.sock')).toEqual({ origin: one, path: '/' })
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
  it.each(['http', 'https'])('every %s origin is reached through it; the scheme decides about TLS', async (scheme) => {
    const credentials = await world.tls()
    const server = await listen(
      scheme === 'http'
        ? http.createServer(echo as never)
        : (http2.createSecureServer({ ...credentials }, echo as never) as unknown as Server),
    )
    const asked: unknown[] = []
    const reuse: ReusePolicy = {
      verdict: (candidate) => {
        asked.push(candidate)
        return { use: true, because: 'whatever' }
      },
      misdirected: () => undefined,
    }
    const one = client({ ...ALONE, proxy: PROXY, socketPath: path, reuse })
    for (const host of ['a.test.example', 'b.test.example:8443']) {
      const response = await one.request({ url: `${scheme}://${host}/x` })
      expect(await response.json()).toEqual({ authority: host, url: '/x' })
    }
    // Each origin has its own connection, whatever the policy allows.
    expect([server.connections, asked]).toEqual([2, []])
  })

  it('of one pool applies to that pool only', async () => {
    await listen(http.createServer(echo as never))
    const other = await world.server({ tls: undefined, protocols: ['http/1.1'] })
    const one = client({ pools: { 'http://a.test.example': { socketPath: path }, tagged: { socketPath: path } } })
    expect(await (await one.request({ url: 'http://a.test.example/1' })).json()).toMatchObject({ url: '/1' })
    const tagged = await one.request({ url: `${other.url('b.test.example')}/2`, isolation: 'tagged' })
    expect(await tagged.json()).toMatchObject({ url: '/2' })
    expect(await (await one.request({ url: `${other.url('b.test.example')}/` })).text()).toMatch(/^hello/)
    expect(other.requests).toHaveLength(1)
  })

  it('settings of a socket are named by its URL', async () => {
    await listen(http2.createServer({}, echo as never) as unknown as Server)
    const one = client({ pools: { [url('http', '')]: { cleartextProtocol: 'h2' } } })
    expect((await one.request({ url: url('http') })).connection.protocol).toBe('h2')
  })

  it.each(['', 'a\0b', 7])('%j is refused', (socketPath) => {
    expect(() => client({ socketPath } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
  })
})

describe('a socket that cannot be connected to', () => {
  const failing = (code: string) => ({
    ...{ name: 'ConnectError', phase: 'tcp', processed: 'no', cause: { code } },
    message: expect.stringContaining(path),
  })

  it('ENOENT: does not exist', async () => {
    await expect(client().request({ url: url('http') })).rejects.toMatchObject(failing('ENOENT'))
  })

  it('ECONNREFUSED: has no listener', async () => {
    // A killed server leaves its path behind; the socket of a datagram server is not a stream.
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const { rename } = await import('node:fs/promises')
    await rename(path, `${path}.left`)
    await new Promise((resolve) => server.close(resolve))
    await rename(`${path}.left`, path)
    await expect(client().request({ url: url('http') })).rejects.toMatchObject(failing('ECONNREFUSED'))
  })

  const superuser = process.getuid?.() === 0
  ;(superuser ? it.skip : it)(`EACCES: is not ours${superuser ? ' (SKIPPED: to root everything is)' : ''}`, async () => {
    await listen(http.createServer(echo as never))
    await chmod(path, 0)
    await expect(client().request({ url: url('http') })).rejects.toMatchObject(failing('EACCES'))
  })

  it('an abort ends the dial', async () => {
    const asked = client().request({ url: url('http'), signal: AbortSignal.abort('enough') })
    await expect(asked).rejects.toBe('enough')
  })
})
