/** `client.connect`: handles over Unix sockets and with an isolation, and how they end. */

import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

async function unixServer(protocol: 'h2' | 'http/1.1'): Promise<{ url: string; connections(): number }> {
  const directory = await mkdtemp(join(tmpdir(), 'handle '))
  const path = join(directory, 'a.sock')
  const answer = (request: { url?: string; headers: Record<string, unknown> }, response: { end(text: string): void }): void =>
    response.end(request.url!)
  const httpServer = protocol === 'h2' ? http2.createServer({}, answer as never) : http.createServer(answer as never)
  let connections = 0
  httpServer.on('connection', (socket) => {
    connections++
    defer(() => socket.destroy())
  })
  await new Promise<void>((resolve) => (httpServer as Server).listen(path, resolve))
  defer(() => void httpServer.close())
  defer(() => rm(directory, { recursive: true, force: true }))
  return { url: `http+unix://${encodeURIComponent(path)}`, connections: () => connections }
}

describe.each(['h2', 'http/1.1'] as const)('a handle over a Unix socket with %s', (protocol) => {
  it('sends requests given as path, URL and object', async () => {
    const unix = await unixServer(protocol)
    const client = createClient({ cleartextProtocol: protocol })
    const handle = await client.connect(unix.url)
    expect(handle.origin).toBe(unix.url)
    expect(handle.connection).toMatchObject({ protocol, remoteAddress: undefined })
    const requests: [string | URL, string][] = [
      ['/v1/info?q=1', '/v1/info?q=1'],
      ['v1', '/v1'],
      ['?q', '/?q'],
      ['', '/'],
      [`${unix.url}/a/../b`, '/b'],
      [new URL(`${unix.url}/c?d`), '/c?d'],
    ]
    for (const [url, path] of requests) {
      const response = await handle.request({ url })
      expect(await response.text()).toBe(path)
      expect(response.connection.id).toBe(handle.connection!.id)
    }
    expect(unix.connections()).toBe(1)
    await handle.close()
  })

  it('refuses URLs of other sockets and hosts', async () => {
    const unix = await unixServer(protocol)
    const handle = await createClient({ cleartextProtocol: protocol }).connect(`${unix.url}/path/that/means/nothing`)
    for (const url of [
      'http+unix://%2Fother.sock/',
      `https${unix.url.slice(4)}/`,
      'http://localhost/',
      '//%2Fother.sock/',
      new URL('http://localhost/'),
    ]) {
      await expect(handle.request({ url })).rejects.toMatchObject({
        name: 'UsageError',
        code: 'ERR_OTHER_ORIGIN',
        processed: 'no',
      })
    }
    await handle.close()
  })

  it('uses the settings of its isolation', async () => {
    const unix = await unixServer(protocol)
    const client = createClient({ pools: { tagged: { cleartextProtocol: protocol } } })
    const handle = await client.connect(unix.url, { isolation: 'tagged' })
    expect(handle.connection!.protocol).toBe(protocol)
    expect(await (await handle.request({ url: '/x' })).text()).toBe('/x')
    await handle.close()
  })
})

it('a handle with socketPath in the settings accepts URLs of its origin', async () => {
  const unix = await unixServer('http/1.1')
  const handle = await createClient({ socketPath: decodeURIComponent(unix.url.slice('http+unix://'.length)) }).connect(
    'http://a.test.example',
  )
  expect(await (await handle.request({ url: '/x' })).text()).toBe('/x')
  await handle.close()
})

describe.each(['h2', 'http/1.1'] as const)('a handle over %s', (protocol) => {
  it('is closed by await using after its requests', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const handle = await client.connect(origin.url('a.test.example'))
    const response = handle.request({ url: '/' })
    await handle[Symbol.asyncDispose]().then(async () => expect(handle.connection).toBeUndefined())
    expect(await (await response).text()).toMatch(/^hello/)
    await expect(handle.request({ url: '/' })).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED' })
    await expect(handle.ping()).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED' })
  })

  it('destroy() ends only the requests of the handle, and nothing is dialed again', async () => {
    const origin = await server({ protocols: [protocol] })
    const client = createClient()
    const [handle, otherHandle] = [
      await client.connect(origin.url('a.test.example')),
      await client.connect(origin.url('a.test.example')),
    ]
    const requests = [handle.request({ url: '/never' }), handle.request({ url: '/never', method: 'POST' })]
    const otherRequest = otherHandle.request({ url: '/never' })
    await origin.delivered(protocol === 'h2' ? 3 : 2)
    handle.destroy()
    for (const request of requests) {
      await expect(request).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_HANDLE_CLOSED', initiator: 'local' })
    }
    await expect(handle.request({ url: '/' })).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED' })
    expect(handle.connection).toBeUndefined()
    expect(await Promise.race([otherRequest, Promise.resolve('open')])).toBe('open')
    const reason = new Error('enough')
    otherHandle.destroy(reason)
    await expect(otherRequest).rejects.toBe(reason)
    expect(origin.connections).toBe(2)
    expect(client.stats().connections).toEqual([])
    handle.destroy()
    await handle.close()
  })
})

it('destroy() during the dial after a loss ends the dial', async () => {
  const origin = await server({ protocols: ['h2'] })
  const client = createClient()
  const handle = await client.connect(origin.url('a.test.example'))
  await (await handle.request({ url: '/' })).text()
  origin.closeIdle()
  while (handle.connection !== undefined) await new Promise(setImmediate)
  const request = handle.request({ url: '/' })
  handle.destroy()
  await expect(request).rejects.toMatchObject({ code: 'ERR_HANDLE_CLOSED', processed: 'no' })
})
