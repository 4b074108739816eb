/** Requests, their ends and their failures, over both protocols. */

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { patternBytes } from '@unshard/testkit'
import { answerOf, useServers } from './fixture.js'

const servers = useServers()
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Bytes that sockets of both ends may hold. */
const MOST_AHEAD = 33_554_432

const PROTOCOLS = [
  ['HTTP/2', 'h2', (path: string) => `https://h0.named.example:${servers.report.named}${path}`],
  ['HTTP/1.1 over TLS', 'http/1.1', (path: string) => `https://h0.old.example:${servers.report.old}${path}`],
  ['HTTP/1.1 in cleartext', 'http/1.1', (path: string) => `http://h0.plain.example:${servers.report.plain}${path}`],
] as const

describe.each(PROTOCOLS)('requests and content: %s', (_name, protocol, url) => {
  it('GET', async () => {
    const response = await servers.client().request({ url: url('/json') })
    expect([response.status, response.connection.protocol]).toEqual([200, protocol])
    expect(await response.json()).toEqual({ message: 'hello', list: [1, 2, 3] })
  })

  it('HEAD has no content', async () => {
    const response = await servers.client().request({ url: url('/json'), method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  it('204 has no content', async () => {
    const response = await servers.client().request({ url: url('/status/204') })
    expect([response.status, await response.text()]).toEqual([204, ''])
  })

  it('POST of a string', async () => {
    const response = await servers.client().request({ url: url('/echo'), method: 'POST', body: 'contént' })
    expect(await response.text()).toBe('contént')
  })

  it('POST of 1 MB from a stream', async () => {
    const bytes = patternBytes(1_000_000)
    const pieces = Array.from({ length: 100 }, (_, at) => bytes.subarray(at * 10_000, (at + 1) * 10_000))
    const response = await servers.client().request({ url: url('/inspect'), method: 'POST', body: Readable.from(pieces) })
    expect(((await response.json()) as { body: unknown }).body).toEqual({ length: 1_000_000, sha256: hash(bytes) })
  })

  it('10 MB of content', async () => {
    const response = await servers.client().request({ url: url('/bytes/10000000') })
    expect(hash(new Uint8Array(await response.arrayBuffer()))).toBe(hash(patternBytes(10_000_000)))
  })

  it('content is read piece by piece', async () => {
    const response = await servers.client().request({ url: url('/bytes/300000') })
    let length = 0
    for await (const part of response.body) length += part.length
    expect(length).toBe(300_000)
  })
})

describe.each(PROTOCOLS)('fields and connections: %s', (_name, protocol, url) => {
  it('30 fields, and a field that is repeated', async () => {
    const client = servers.client()
    const response = await client.request({ url: url('/headers') })
    await response.text()
    expect(response.headers.get('x-field-30')).toBe('value 30')
    const cookies = await client.request({ url: url('/set-cookie') })
    await cookies.text()
    expect(cookies.headers.getAll('set-cookie')).toHaveLength(2)
  })

  it('trailers', async () => {
    const response = await servers.client().request({ url: url('/trailers') })
    const text = await response.text()
    expect((await response.trailers)?.get('x-checksum')).toBe(hash(Buffer.from(text)))
  })

  it('200 requests at the same time', async () => {
    const client = servers.client(protocol === 'h2' ? {} : { maxConnectionsPerOrigin: 6 })
    const statuses = await Promise.all(
      Array.from({ length: 200 }, async () => (await answerOf(await client.request({ url: url('/bytes/1000') }))).status),
    )
    expect(statuses).toEqual(new Array(200).fill(200))
    expect(client.stats().totals.dials).toBeLessThanOrEqual(protocol === 'h2' ? 1 : 6)
  })

  it('a connection is used again', async () => {
    const client = servers.client()
    const answers = [
      await client.request({ url: url('/') }).then(answerOf),
      await client.request({ url: url('/') }).then(answerOf),
    ]
    expect(answers[1]!.connection).toBe(answers[0]!.connection)
  })

  it('a connection that the server closes is replaced', async () => {
    const client = servers.client()
    const answers = [
      await client.request({ url: url('/last') }).then(answerOf),
      await client.request({ url: url('/') }).then(answerOf),
    ]
    expect(answers[1]!.connection).not.toBe(answers[0]!.connection)
  })
})

describe.each(PROTOCOLS)('ends: %s', (_name, protocol, url) => {
  it('an abort before the response', async () => {
    const abort = new AbortController()
    const client = servers.client()
    const pending = client.request({ url: url('/never'), signal: abort.signal })
    setImmediate(() => abort.abort(new Error('no longer needed')))
    await expect(pending).rejects.toThrow('no longer needed')
    expect((await answerOf(await client.request({ url: url('/') }))).status).toBe(200)
  })

  it('an abort while content arrives', async () => {
    const abort = new AbortController()
    const response = await servers.client().request({ url: url('/slow'), signal: abort.signal })
    setImmediate(() => abort.abort(new Error('no longer needed')))
    await expect(response.text()).rejects.toThrow('no longer needed')
  })

  it('a response that does not arrive in time', async () => {
    const pending = servers.client().request({ url: url('/never'), timeouts: { headers: 300 } })
    await expect(pending).rejects.toMatchObject({ name: 'TimeoutError', code: 'ERR_TIMEOUT_HEADERS' })
  })

  it('content that does not arrive in time', async () => {
    const response = await servers.client().request({ url: url('/slow'), timeouts: { body: 300 } })
    await expect(response.text()).rejects.toMatchObject({ code: 'ERR_TIMEOUT_BODY' })
  })

  it('content that the server ends early', async () => {
    const response = await servers.client().request({ url: url('/reset') })
    await expect(response.text()).rejects.toMatchObject({ name: protocol === 'h2' ? 'StreamError' : 'ConnectionError' })
  })

  it('an upload that the server does not read stops its source', async () => {
    let sent = 0
    const source = async function* (): AsyncGenerator<Buffer> {
      for (; sent < 4 * MOST_AHEAD; sent += 65_536) yield Buffer.alloc(65_536)
    }
    const pending = servers
      .client()
      .request({ url: url('/hold'), method: 'POST', body: source(), timeouts: { body: 1_000, total: 9_000 } })
    await expect(pending).rejects.toMatchObject({ name: 'TimeoutError' })
    expect(sent).toBeLessThan(MOST_AHEAD)
  })

  it('a response that is not read stops the server', async () => {
    const client = servers.client()
    const response = await client.request({ url: url('/flood') })
    let flooded = 0
    for (let round = 0; round < 100; round++) flooded = Number(await (await client.request({ url: url('/flooded') })).text())
    expect(flooded).toBeLessThan(MOST_AHEAD)
    await response.discard()
  })

  it('close() waits for open requests', async () => {
    const client = servers.client()
    const response = await client.request({ url: url('/bytes/100000') })
    const closed = client.close()
    expect((await response.arrayBuffer()).byteLength).toBe(100_000)
    await closed
    await expect(client.request({ url: url('/') })).rejects.toThrow()
  })
})

it('a port where nothing listens', async () => {
  await expect(servers.client().request({ url: 'http://127.0.0.1:2/' })).rejects.toMatchObject({
    name: 'ConnectError',
    code: 'ECONNREFUSED',
    processed: 'no',
  })
})

it('a name that does not exist', async () => {
  await expect(servers.client({ lookup: undefined }).request({ url: 'https://host.invalid/' })).rejects.toMatchObject({
    name: 'ConnectError',
    phase: 'resolve',
  })
})

it('a certificate of an unknown authority', async () => {
  const client = servers.client({ tls: { ca: undefined } })
  await expect(client.request({ url: `https://h0.named.example:${servers.report.named}/` })).rejects.toMatchObject({
    name: 'ConnectError',
    phase: 'tls',
  })
})

it('a revoked certificate is not accepted: the list is used, or refused as an option', async () => {
  const { crl, revoked } = servers.report
  const client = (): ReturnType<typeof servers.client> => servers.client({ tls: { crl } })
  const request = async (): Promise<unknown> => client().request({ url: `https://h0.revoked.example:${revoked}/` })
  await expect(request()).rejects.toMatchObject({ code: expect.stringMatching(/^(CERT_REVOKED|ERR_INVALID_OPTION)$/) })
})

it('the version of TLS, its cipher and its group', async () => {
  const response = await servers.client().request({ url: `https://h0.named.example:${servers.report.named}/` })
  await response.text()
  expect(response.connection.tls).toMatchObject({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) })
})
