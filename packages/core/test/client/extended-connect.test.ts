/** Extended CONNECT (RFC 8441): a request with a protocol of its own on a stream. */

import { constants, type ServerHttp2Stream } from 'node:http2'
import { frames } from '@unshard/testkit'
import { UsageError } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, peer, server } = clientFixture()

const UNSUPPORTED = expect.objectContaining({ code: 'ERR_EXTENDED_CONNECT_UNSUPPORTED', processed: 'no' })

/** Starts a server that echoes the content of an extended CONNECT. */
async function echoServer() {
  const seen: Record<string, unknown>[] = []
  const origin = await server({ protocols: ['h2'], settings: { enableConnectProtocol: true } })
  origin.delivered(1).catch(() => undefined)
  const listen = (): void => {
    for (const session of origin.sessions)
      session.removeAllListeners('stream').on('stream', (stream: ServerHttp2Stream, headers) => {
        seen.push(headers)
        stream.respond({ ':status': 200 })
        stream.pipe(stream)
      })
  }
  return { origin, seen, listen }
}

async function* questions(): AsyncGenerator<string> {
  yield 'one'
  yield 'two'
}

it('sends :protocol, :scheme and :path, and content in both directions', async () => {
  // RFC 8441 §4: "On requests that contain the :protocol pseudo-header field, the :scheme and :path
  // pseudo-header fields of the target URI MUST also be included."
  const { origin, seen, listen } = await echoServer()
  const client = createClient()
  await (await client.request({ url: origin.url('a.test.example') })).bytes()
  listen()
  const url = `${origin.url('a.test.example')}/chat?room=1`
  const response = await client.request({
    method: 'CONNECT',
    protocol: 'websocket',
    url,
    body: questions(),
    headers: { 'x-own': '1' },
  })
  expect([response.status, await response.text()]).toEqual([200, 'onetwo'])
  expect(seen).toMatchObject([
    { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/chat?room=1', 'x-own': '1' },
  ])
  expect(seen[0]![':authority']).toBe(new URL(url).host)
  expect(seen[0]!['content-length']).toBeUndefined()
})

it('waits for SETTINGS of a new connection', async () => {
  // RFC 8441 §3: "A client MUST NOT send a Extended CONNECT request before receiving this parameter."
  const names: string[] = []
  const started = await peer(async (p) => {
    await p.preface()
    await p.next('SETTINGS')
    for (let i = 0; i < 10; i++) await new Promise(setImmediate)
    names.push(...p.received.map(({ typeName }) => typeName))
    p.send(frames.settings({ [constants.NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL ?? 8]: 1 }), frames.settingsAck())
    const { streamId, fields } = await p.nextRequest()
    names.push(...fields.map(([name]) => name))
    p.respond(streamId, 200, [], 'open')
  })
  const response = await createClient().request({
    method: 'CONNECT',
    protocol: 'websocket',
    url: `https://a.test.example:${started.port}/`,
    body: questions(),
  })
  expect(await response.text()).toBe('open')
  expect(names).not.toContain('HEADERS')
  expect(names).toContain(':protocol')
})

it.each([
  ['a server without the setting', async () => (await server({ protocols: ['h2'] })).url('a.test.example')],
  ['a server of HTTP/1.1', async () => (await server({ protocols: ['http/1.1'] })).url('a.test.example')],
])('%s is told by an error, on a new and on an open connection', async (_title, start) => {
  const url = await start()
  const client = createClient()
  for (let i = 0; i < 2; i++)
    await expect(client.request({ method: 'CONNECT', protocol: 'websocket', url, body: questions() })).rejects.toEqual(
      UNSUPPORTED,
    )
  expect(client.stats().totals.dials).toBe(1)
  expect((await client.request({ url })).status).toBe(200)
})

it('an abort and a lost connection end a request that waits for SETTINGS', async () => {
  let close!: () => void
  const started = await peer(async (p) => {
    await p.preface()
    await new Promise<void>((resolve) => {
      close = () => resolve(p.destroy())
    })
  })
  const client = createClient({ replay: 0 })
  const controller = new AbortController()
  const options = { method: 'CONNECT', protocol: 'websocket', url: `https://a.test.example:${started.port}/`, body: 'x' }
  const aborted = client.request({ ...options, signal: controller.signal })
  const lost = client.request(options)
  while (close === undefined) await new Promise(setImmediate)
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  close()
  // The dials that follow find a peer that closes as well.
  const closing = setInterval(() => close(), 5)
  await expect(lost).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  clearInterval(closing)
})

it('a protocol requires CONNECT, and CONNECT a protocol', async () => {
  const client = createClient()
  const url = 'https://a.test.example'
  await expect(client.request({ url, method: 'CONNECT' })).rejects.toThrow('requires the option protocol')
  await expect(client.request({ url, method: 'GET', protocol: 'websocket' })).rejects.toThrow('requires method CONNECT')
  await expect(client.request({ url, method: 'CONNECT', protocol: 'a b' })).rejects.toBeInstanceOf(UsageError)
})
