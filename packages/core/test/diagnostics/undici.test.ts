/** The channels of undici, as instrumentations read them. */

import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { clientFixture } from '../client/fixture.js'
import { channelsOf, record } from './fixture.js'

/** The message of `undici:request:create`. */
interface Created {
  readonly request: { addHeader(name: string, value: string): void }
}

const { client: createClient, server, peer, defer } = clientFixture()

const REQUEST = ['create', 'bodySent', 'headers', 'trailers', 'error'].map((name) => `undici:request:${name}`)
const CLIENT = ['sendHeaders', 'beforeConnect', 'connected', 'connectError'].map((name) => `undici:client:${name}`)
const ALL = [...REQUEST, ...CLIENT]

describe.each(['h2', 'http/1.1'] as const)('over %s', (protocol) => {
  it('a request publishes the messages of undici in its order, and one of trailers and error', async () => {
    const origin = await server({ protocols: [protocol] })
    const recorded = record(defer, ALL)
    const client = createClient()
    const url = `${origin.url('a.test.example')}/echo?q=1`
    const response = await client.request({ url, method: 'POST', headers: { 'X-Name': 'value' }, body: 'content' })
    await response.text()
    await client.close()
    expect(channelsOf(recorded)).toEqual([
      'undici:request:create',
      'undici:client:beforeConnect',
      'undici:client:connected',
      'undici:client:sendHeaders',
      'undici:request:bodySent',
      'undici:request:headers',
      'undici:request:trailers',
    ])
    const { request } = recorded[0]!.message
    expect(request).toMatchObject({ origin: origin.url('a.test.example'), method: 'POST', path: '/echo?q=1' })
    expect(request.headers.slice(0, 2)).toEqual(['x-name', 'value'])
    for (const { channel, message } of recorded) if (!/onnect/.test(channel)) expect(message.request).toBe(request)
    const { socket, headers } = recorded[3]!.message
    expect(socket).toMatchObject({ alpnProtocol: protocol, remoteAddress: '127.0.0.1', remotePort: origin.port, encrypted: true })
    expect(headers).toContain(protocol === 'h2' ? ':path: /echo?q=1\r\n' : 'POST /echo?q=1 HTTP/1.1\r\n')
    const { response: head } = recorded[5]!.message
    expect(head.statusCode).toBe(200)
    expect(head.headers.every((value: unknown) => Buffer.isBuffer(value))).toBe(true)
    const params = { hostname: 'a.test.example', protocol: 'https:', port: String(origin.port), servername: 'a.test.example' }
    expect(recorded[1]!.message.connectParams).toMatchObject({ ...params, host: `a.test.example:${origin.port}` })
    expect(recorded[2]!.message).toMatchObject({ connectParams: { ...params, version: protocol === 'h2' ? 'h2' : 'h1' } })
    expect(recorded[2]!.message.socket).toBe(socket)
  })

  it('fields that a subscriber adds reach the server, and an invalid one is refused', async () => {
    const origin = await server({
      protocols: [protocol],
      handler: (request, response) => response.end(String(request.headers['traceparent'])),
    })
    const added: unknown[] = []
    const listener = ({ request }: Created): void => {
      request.addHeader('Traceparent', '00-1-2-01')
      try {
        request.addHeader('x bad', '1')
      } catch (error) {
        added.push(error)
      }
    }
    subscribe('undici:request:create', listener as never)
    defer(() => unsubscribe('undici:request:create', listener as never))
    const response = await createClient().get(`${origin.url('a.test.example')}/`)
    expect(await response.text()).toBe('00-1-2-01')
    expect(added).toMatchObject([{ name: 'UsageError', code: 'ERR_INVALID_FIELD_NAME' }])
  })

  it('bodySent comes when the source of the content has ended', async () => {
    const origin = await server({ protocols: [protocol] })
    const recorded = record(defer, REQUEST)
    let endedAt = -1
    async function* source(): AsyncGenerator<string> {
      yield 'one'
      await new Promise(setImmediate)
      endedAt = recorded.length
      yield 'two'
    }
    const url = `${origin.url('a.test.example')}/echo`
    const response = await createClient().request({ url, method: 'POST', body: source() })
    await response.text()
    expect(channelsOf(recorded)).toEqual(REQUEST.slice(0, 4))
    expect(endedAt).toBe(1)
  })

  it('an aborted request ends with error, and the reason of the caller', async () => {
    const origin = await server({ protocols: [protocol], handler: (_request, response) => void response.write('part') })
    const recorded = record(defer, REQUEST)
    const client = createClient()
    const controller = new AbortController()
    const response = await client.request({ url: `${origin.url('a.test.example')}/`, signal: controller.signal })
    const reading = response.text()
    const reason = new Error('not needed any more')
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
    await client.close()
    expect(channelsOf(recorded).slice(-1)).toEqual(['undici:request:error'])
    expect(channelsOf(recorded)).not.toContain('undici:request:trailers')
    expect(recorded.at(-1)!.message.error).toBe(reason)
    // It ended with the abort, not with the last byte of the connection.
    expect(response.timings.endMs).toBeGreaterThanOrEqual(response.timings.headersMs)
  })

  it('a response that the caller discards ends with error', async () => {
    const origin = await server({ protocols: [protocol], handler: (_request, response) => void response.write('part') })
    const recorded = record(defer, REQUEST)
    const client = createClient()
    const response = await client.request({ url: `${origin.url('a.test.example')}/` })
    response.discard()
    await client.close()
    expect(recorded.at(-1)).toMatchObject({ channel: 'undici:request:error', message: { error: { name: 'AbortError' } } })
  })

  it('each hop of a redirect is a request of its own', async () => {
    const origin = await server({
      protocols: [protocol],
      handler: (request, response) => {
        if (request.url === '/to') return void response.end('here')
        response.writeHead(302, { location: '/to', 'content-length': '0' })
        response.end()
      },
    })
    const recorded = record(defer, REQUEST.toSpliced(1, 2))
    const response = await createClient().get(`${origin.url('a.test.example')}/from`)
    await response.text()
    const events = recorded.map(({ channel, message }) => `${channel.slice(7)} ${message.request.path}`)
    // The rest of a redirect that has no content yet is discarded.
    expect(events[1]).toMatch(/^request:(trailers|error) \/from$/)
    expect(events.toSpliced(1, 1)).toEqual(['request:create /from', 'request:create /to', 'request:trailers /to'])
  })
})

it('a request that a subscriber aborts while it is created is not sent, and ends with error', async () => {
  const origin = await server()
  const controller = new AbortController()
  const reason = new Error('not wanted')
  const listener = (): void => controller.abort(reason)
  subscribe('undici:request:create', listener)
  defer(() => unsubscribe('undici:request:create', listener))
  const recorded = record(defer, REQUEST)
  const request = createClient().get(`${origin.url('a.test.example')}/`, { signal: controller.signal })
  await expect(request).rejects.toBe(reason)
  expect(channelsOf(recorded)).toEqual(['undici:request:create', 'undici:request:error'])
  expect(origin.requests).toHaveLength(0)
})

it('a dial that fails publishes connectError and error, with the same error', async () => {
  const recorded = record(defer, ALL)
  const client = createClient()
  const { port, close } = await server()
  await close()
  await expect(client.request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(channelsOf(recorded)).toEqual([
    'undici:request:create',
    'undici:client:beforeConnect',
    'undici:client:connectError',
    'undici:request:error',
  ])
  expect(recorded[2]!.message.error).toMatchObject({ code: 'ECONNREFUSED' })
  expect(recorded[3]!.message.error).toMatchObject({ code: 'ECONNREFUSED' })
})

it('a replayed request is created and ended once, and sent twice', async () => {
  const started = await peer(async (p, index) => {
    await p.handshake()
    const { streamId } = await p.nextRequest()
    if (index === 0) p.end()
    else p.respond(streamId, 200, [], 'second')
  })
  const recorded = record(defer, ALL)
  const response = await createClient().request({ url: `https://a.test.example:${started.port}/` })
  await response.text()
  const counts = Object.fromEntries(ALL.map((name) => [name, channelsOf(recorded).filter((each) => each === name).length]))
  expect(counts).toMatchObject({ 'undici:request:create': 1, 'undici:client:sendHeaders': 2, 'undici:request:trailers': 1 })
})

it('100 requests in flight are each created in the context of their caller, and ended once', async () => {
  const origin = await server()
  const store = new AsyncLocalStorage<number>()
  const seen = new Map<object, number | undefined>()
  const ended: object[] = []
  const onCreate = ({ request }: Created): void => void seen.set(request, store.getStore())
  const onEnd = ({ request }: Created): void => void ended.push(request)
  subscribe('undici:request:create', onCreate as never)
  subscribe('undici:request:trailers', onEnd as never)
  defer(() => unsubscribe('undici:request:create', onCreate as never))
  defer(() => unsubscribe('undici:request:trailers', onEnd as never))
  const client = createClient()
  await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      store.run(i, async () => {
        const response = await client.get(`${origin.url('a.test.example')}/echo?n=${i}`)
        await response.text()
      }),
    ),
  )
  expect([...seen].map(([request, context]) => (request as { path: string }).path === `/echo?n=${context}`)).toEqual(
    new Array(100).fill(true),
  )
  expect(new Set(ended)).toEqual(new Set(seen.keys()))
  expect(ended).toHaveLength(100)
})
