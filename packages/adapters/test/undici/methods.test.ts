/**
 * Methods that other libraries call on a dispatcher directly: `request`, `stream`, `pipeline`,
 * `connect` and `upgrade`.
 */

import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import type { ProtocolName } from '@unshard/core'
import { Agent } from 'undici'
import { Dispatcher } from '../../src/undici/index.js'
import { testEnvironment } from '../environment.js'

const { server, client } = testEnvironment()

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  const start = async () => {
    const { port } = await server({ protocols: [protocol] })
    return { one: new Dispatcher({ client: client() }), origin: `https://a.test.example:${port}` }
  }

  it('request: status, fields, and a body that can be read in every way', async () => {
    const { one, origin } = await start()
    const { statusCode, headers, body, opaque } = await one.request({ origin, path: '/', method: 'GET', opaque: 7 })
    expect([statusCode, headers['content-type'], opaque]).toEqual([200, expect.stringMatching(/^text\/plain/), 7])
    expect(await body.text()).toMatch(/^hello/)
    expect(body.bodyUsed).toBe(true)
    const posted = await one.request({ origin, path: '/inspect', method: 'POST', body: 'x', headers: { 'x-a': '1' } })
    expect(await posted.body.json()).toMatchObject({ method: 'POST', body: { length: 1 } })
    const parts: Buffer[] = []
    const read = await one.request({ origin, path: '/' })
    for await (const part of read.body) parts.push(part as Buffer)
    expect(Buffer.concat(parts).toString()).toMatch(/^hello/)
    await (await one.request({ origin, path: '/' })).body.dump()
    await new Promise<void>((resolve) =>
      one.request({ origin, path: '/' }, (error: unknown, data: { statusCode: number }) => {
        expect([error, data.statusCode]).toEqual([null, 200])
        resolve()
      }),
    )
    await one.close()
  })

  it('request: a slow reader holds the response back, and an abort ends it', async () => {
    const { one, origin } = await start()
    const controller = new AbortController()
    const { body } = await one.request({ origin, path: '/slow', signal: controller.signal })
    const reason = new Error('enough')
    const reading = body.text()
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await expect(one.request({ origin, path: '/', signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    await expect(one.request(null as never)).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
    await one.close()
  })

  it('request: a signal that is an emitter, and the body as a web stream', async () => {
    const { one, origin } = await start()
    const { body } = await one.request({ origin, path: '/' })
    const text = await new Response(body.body as ReadableStream).text()
    expect(text).toMatch(/^hello/)
    const signal = new EventEmitter()
    const aborted = one.request({ origin, path: '/slow', signal }).then(({ body }) => body.text())
    signal.emit('abort')
    await expect(aborted).rejects.toMatchObject({ code: 'UND_ERR_ABORTED' })
    expect(signal.listenerCount('abort')).toBe(0)
    expect(() => one.request({ origin, path: '/' }, 5 as never)).toThrow('invalid callback')
    await expect(one.request({ origin, path: '/', signal: {} })).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' })
    await one.close()
  })

  it('stream and pipeline', async () => {
    const { one, origin } = await start()
    const target = new PassThrough()
    const text = target.toArray()
    const { opaque } = await one.stream({ origin, path: '/', method: 'GET', opaque: 'x' }, () => target)
    expect([opaque, Buffer.concat(await text).toString()]).toEqual(['x', expect.stringMatching(/^hello/)])
    const duplex = one.pipeline({ origin, path: '/echo', method: 'POST' }, ({ body }) => body)
    duplex.end('content')
    expect(Buffer.concat(await duplex.toArray()).toString()).toBe('content')
    await one.close()
  })

  it('interceptors apply to these methods', async () => {
    const { one, origin } = await start()
    const paths: string[] = []
    const composed = one.compose((dispatch: Dispatcher['dispatch']) => (options: never, handler: never) => {
      paths.push((options as { path: string }).path)
      return dispatch(options, handler)
    })
    await (await composed.request({ origin, path: '/one' })).body.dump()
    expect(paths).toEqual(['/one'])
    await one.close()
  })
})

it('connect goes to the fallback, and is refused by name without one; upgrade needs none', async () => {
  const plain = createServer()
  plain.on('connect', (_request, socket) => socket.end('HTTP/1.1 200 OK\r\n\r\ntunnel'))
  plain.on('upgrade', (_request, socket) =>
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nup'),
  )
  const sockets: Socket[] = []
  plain.on('connection', (socket) => sockets.push(socket))
  plain.listen(0, '127.0.0.1')
  await once(plain, 'listening')
  const origin = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`
  const agent = new Agent()
  const one = new Dispatcher({ client: client(), fallback: agent as never })
  const tunnel = await one.connect({ origin, path: 'a.example:443' })
  expect([tunnel.statusCode, String(await once(tunnel.socket, 'data'))]).toEqual([200, 'tunnel'])
  const alone = new Dispatcher({ client: client() })
  const upgraded = await alone.upgrade({ origin, path: '/', protocol: 'x' })
  expect([upgraded.statusCode, String(await once(upgraded.socket, 'data'))]).toEqual([101, 'up'])
  await expect(alone.connect({ origin, path: 'a.example:443' })).rejects.toMatchObject({ code: 'UND_ERR_NOT_SUPPORTED' })
  for (const { socket } of [tunnel, upgraded]) socket.destroy()
  for (const socket of sockets) socket.destroy()
  await Promise.all([agent.destroy(), one.close(), alone.close()])
  plain.close()
})
