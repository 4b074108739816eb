/** `Client.request` against a server that behaves correctly, over both protocols. */

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { ProtocolName } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()
const text = { 'content-type': 'text/plain' }

describe.each<ProtocolName>(['h2', 'http/1.1'])('Client.request over %s', (protocol) => {
  const start = () => server({ protocols: [protocol] })

  it('resolves with a response that describes its connection', async () => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/` })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(response.connection).toMatchObject({ protocol, remoteAddress: '127.0.0.1', remotePort: port, coalesced: false })
    expect(response.timings.headersMs).toBeGreaterThanOrEqual(response.timings.sentMs)
    expect(await response.text()).toMatch(/^hello from a\.test\.example/)
  })

  it.each([
    ['a string', () => 'hällo'],
    ['bytes', () => Buffer.from('hällo')],
    ['a Blob', () => new Blob(['hällo'])],
    ['a Node stream', () => Readable.from([Buffer.from('hä'), Buffer.from('llo')])],
    ['a web stream', () => new Response('hällo').body!],
    [
      'an async iterable of text',
      async function* () {
        yield 'hä'
        yield 'llo'
      },
    ],
  ])('sends content given as %s', async (_kind, body) => {
    const { port } = await start()
    const url = `https://a.test.example:${port}/inspect`
    const response = await createClient().request({ url, method: 'POST', body: body() as never, headers: text })
    const sha256 = createHash('sha256').update('hällo').digest('hex')
    expect(await response.json()).toMatchObject({ method: 'POST', path: '/inspect', body: { length: 6, sha256 } })
  })

  it('sends and receives 10 MB, from memory and from a stream', async () => {
    const { port } = await start()
    const origin = `https://a.test.example:${port}`
    const client = createClient()
    const big = Buffer.alloc(10_000_000, 'unshard')
    const sha256 = createHash('sha256').update(big).digest('hex')
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < big.length; at += 77_777) yield big.subarray(at, at + 77_777)
    }
    for (const body of [big, parts()]) {
      const response = await client.request({ url: `${origin}/inspect`, method: 'PUT', body })
      expect(await response.json()).toMatchObject({ body: { length: big.length, sha256 } })
    }
    const download = await client.request({ url: `${origin}/bytes/10000000` })
    expect((await download.bytes()).length).toBe(10_000_000)
  })

  it('never yields an empty part, even to a slow reader, as web byte streams reject empty parts', async () => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/bytes/3000000` })
    let length = 0
    for await (const part of response.body) {
      expect(part.length).toBeGreaterThan(0)
      length += part.length
      // Received bytes fill the buffer, so that the socket is paused and resumed.
      await new Promise(setImmediate)
    }
    expect(length).toBe(3_000_000)
  })

  it('sends 100 requests to a new origin over few connections', async () => {
    const origin = await start()
    const client = createClient()
    const urls = Array.from({ length: 100 }, (_, i) => `https://a.test.example:${origin.port}/bytes/${i}`)
    const lengths = await Promise.all(urls.map(async (url) => (await (await client.request({ url })).bytes()).length))
    expect(lengths).toEqual(urls.map((_, i) => i))
    // HTTP/2 uses one connection; HTTP/1.1 opens all allowed connections once ALPN is known.
    expect(origin.handshakes).toBe(protocol === 'h2' ? 1 : 6)
    expect(client.stats().totals).toMatchObject({ dials: origin.handshakes, requests: 100, replayed: 0 })
  })

  it('reads trailers', async () => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/trailers` })
    await response.text()
    expect(response.trailers?.has('x-checksum')).toBe(true)
  })

  it('calls onInformational for interim responses (RFC 9110 §15.2)', async () => {
    const { port } = await start()
    const statuses: number[] = []
    const onInformational = (status: number): void => void statuses.push(status)
    const response = await createClient().request({ url: `https://a.test.example:${port}/early-hints`, onInformational })
    expect(statuses).toEqual([103])
    expect(response.status).toBe(200)
  })

  it('keeps several set-cookie fields apart', async () => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/set-cookie` })
    expect(response.headers.getAll('set-cookie')).toHaveLength(2)
  })

  it.each([204, 304, 404, 500, 599])('resolves with a response for status %i', async (status) => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/status/${status}` })
    expect(response.status).toBe(status)
    await response.text()
  })

  it('returns the fields and no content for HEAD', async () => {
    const { port } = await start()
    const response = await createClient().request({ url: `https://a.test.example:${port}/bytes/5000`, method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe('5000')
    expect((await response.bytes()).length).toBe(0)
  })

  it('uses a dedicated connection for connection: close, and closes it after the response', async () => {
    const origin = await start()
    const client = createClient()
    const url = `https://a.test.example:${origin.port}/inspect`
    await (await client.request({ url })).text()
    const response = await client.request({ url, headers: { connection: 'close' } })
    const { headers } = (await response.json()) as { headers: Record<string, string> }
    // The field is not sent over HTTP/2 (RFC 9113 §8.2.2).
    expect(headers['connection']).toBe(protocol === 'h2' ? undefined : 'close')
    expect(response.connection.because).toBe('connection-close')
    expect(origin.connections).toBe(2)
    await (await client.request({ url })).text()
    expect(origin.connections).toBe(2)
  })

  it('rejects with the reason of an abort, before and after the response', async () => {
    const { port, delivered } = await start()
    const client = createClient()
    const reason = { why: 'changed my mind' }
    await expect(client.request({ url: `https://a.test.example:${port}/`, signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    )
    const beforeResponse = new AbortController()
    const pending = client.request({ url: `https://a.test.example:${port}/never`, signal: beforeResponse.signal })
    await delivered(1)
    beforeResponse.abort(reason)
    await expect(pending).rejects.toBe(reason)
    const afterResponse = new AbortController()
    const slow = await client.request({ url: `https://a.test.example:${port}/slow`, signal: afterResponse.signal })
    const reading = slow.text()
    afterResponse.abort(reason)
    await expect(reading).rejects.toBe(reason)
  })

  it('leaves nothing behind after the reader abandons the body', async () => {
    const { port } = await start()
    const client = createClient()
    const response = await client.request({ url: `https://a.test.example:${port}/bytes/5000000` })
    for await (const part of response.body) {
      expect(part.length).toBeGreaterThan(0)
      break
    }
    expect(await (await client.request({ url: `https://a.test.example:${port}/` })).text()).toMatch(/^hello/)
    expect(client.stats().connections.every(({ active }) => active === 0)).toBe(true)
  })

  it('rejects if the request body fails, with its error as the cause', async () => {
    const { port } = await start()
    const body = (async function* (): AsyncGenerator<string> {
      yield 'some'
      throw new RangeError('out of paper')
    })()
    const sending = createClient().request({ url: `https://a.test.example:${port}/inspect`, method: 'POST', body })
    await expect(sending).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: { message: 'out of paper' } })
  })

  it.each([
    [3, 'shorter'],
    [5, 'longer'],
  ])('rejects a streamed body that differs from its content-length of 4: %i bytes', async (length) => {
    const { port } = await start()
    const body = Readable.from([Buffer.alloc(length)])
    const sending = createClient().request({
      url: `https://a.test.example:${port}/inspect`,
      method: 'POST',
      headers: { 'content-length': '4' },
      body,
    })
    await expect(sending).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_CONTENT_LENGTH', processed: 'unknown' })
  })

  it('rejects after close(), which lets pending requests complete', async () => {
    const { port, release, delivered } = await start()
    const client = createClient()
    const slow = await client.request({ url: `https://a.test.example:${port}/slow` })
    await delivered(1)
    const closing = client.close()
    await expect(client.request({ url: `https://a.test.example:${port}/` })).rejects.toMatchObject({ code: 'ERR_CLIENT_CLOSED' })
    release()
    expect((await slow.text()).length).toBeGreaterThan(0)
    await closing
    expect(client.stats().connections).toEqual([])
  })

  it('rejects after destroy(), with its reason', async () => {
    const { port, delivered } = await start()
    const client = createClient()
    const pending = client.request({ url: `https://a.test.example:${port}/never` })
    await delivered(1)
    client.destroy(new Error('enough'))
    await expect(pending).rejects.toThrow('enough')
    await expect(client.request({ url: `https://a.test.example:${port}/` })).rejects.toThrow('enough')
  })

  it('uses separate connections for separate isolations', async () => {
    const origin = await start()
    const client = createClient()
    const url = `https://a.test.example:${origin.port}/`
    for (const isolation of [undefined, 'one', 'two', 'one']) {
      await (await client.request({ url, ...(isolation === undefined ? {} : { isolation }) })).text()
    }
    expect(origin.connections).toBe(3)
  })
})
