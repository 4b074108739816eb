/** The same client against servers that other people wrote. A server that is not installed is named, not silently passed over. */

import { patternBytes, SMALL_TEXT } from '@unshard/testkit'
import { type RequestOptions, TransportError } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { type Behind, createBehind, TRAILER } from './behind.js'
import { type Peer, peerList } from './peers.js'

const { client, tls, defer } = clientFixture()

describe.each(peerList)('%s', (name, peer) => {
  let behind: Behind

  async function start(how: Peer['start'] = peer.start): Promise<string | undefined> {
    behind = createBehind()
    const server = await how({ tls: await tls(), behind: behind.listener })
    if (server === undefined) {
      console.warn(`${name} is not installed: its tests show nothing here`)
      return undefined
    }
    defer(() => server.stop())
    return `https://a.test.example:${server.port}`
  }

  it('150 cold requests over one connection', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    const answers = await Promise.all(
      Array.from({ length: 150 }, async () => (await one.request({ url: `${origin}/small.txt` })).text()),
    )
    expect(answers).toEqual(Array.from({ length: 150 }, () => SMALL_TEXT))
    expect(one.stats()).toMatchObject({ connections: [{ protocol: 'h2', active: 0 }], totals: { dials: 1, replayed: 0 } })
  })

  it('100 streams at the same time on one connection', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    await (await one.request({ url: `${origin}/small.txt` })).text()
    const answers = Array.from({ length: 100 }, async (_, at) => {
      const response = await one.request({ url: at % 2 === 0 ? `${origin}/small.txt` : `${origin}/10k.json` })
      return at % 2 === 0 ? response.text() : ((await response.json()) as object[]).length
    })
    expect(one.stats().connections).toMatchObject([{ active: 100 }])
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? SMALL_TEXT : 128)))
    expect(one.stats().totals).toMatchObject({ dials: 1, requests: 101, replayed: 0 })
  })

  it('a download that is longer than every window, and an upload that is', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535, windowBudgetBytes: 0 })
    const bytes = await (await one.request({ url: `${origin}/1m.bin` })).bytes()
    expect(bytes).toHaveLength(1 << 20)
    const body = Buffer.alloc(3_000_000, 'x')
    const response = await one.request({ url: `${origin}/upload`, method: 'POST', body })
    expect(response.status).toBe(200)
    await response.bytes()
  })

  it('POST of 10 MB arrives whole', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    const body = patternBytes(10_000_000)
    const { path, answers } = peer.upload
    const response = await one.request({ url: origin + path, method: 'POST', body })
    const answer = Buffer.from(await response.bytes())
    expect(response.status).toBe(200)
    if (answers === 'body') expect(answer.equals(body)).toBe(true)
    else expect(answer.toString()).toBe(String(body.length))
    expect(one.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
  })

  it('twelve hosts of one certificate at one address stay apart without a policy', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    for (const letter of 'abc') {
      const response = await one.request({ url: `${origin.replace('//a.', `//${letter}.`)}/small.txt` })
      expect(await response.text()).toBe(SMALL_TEXT)
      expect(response.connection.coalesced).toBe(false)
    }
    expect(one.stats().totals.dials).toBe(3)
  })

  it('HEAD, a missing file, and an aborted download leave the connection in order', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    const head = await one.request({ url: `${origin}/1m.bin`, method: 'HEAD' })
    expect((await head.bytes()).length).toBe(0)
    expect((await one.request({ url: `${origin}/nowhere` })).status).toBe(404)
    const abort = new AbortController()
    const download = await one.request({ url: `${origin}/1m.bin`, signal: abort.signal })
    abort.abort('enough')
    await expect(download.text()).rejects.toBe('enough')
    expect(await (await one.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
    expect(one.stats().totals.dials).toBe(1)
  })

  const { responseTrailers } = peer
  const noTrailers = typeof responseTrailers === 'object'
  it(noTrailers ? `no trailers of responses: ${responseTrailers.because}` : 'trailers of a response', async () => {
    const origin = await start()
    if (origin === undefined) return
    const response = await client().request({ url: origin + (noTrailers ? '/behind/trailers' : responseTrailers) })
    await response.text()
    expect(response.status).toBe(200)
    expect([...response.trailers!]).toEqual(noTrailers ? [] : [TRAILER])
  })

  const { requestTrailers } = peer
  const withTrailers = (url: string, whole: boolean): RequestOptions => ({
    ...{ url, method: 'POST', body: whole ? Buffer.from('content') : parts(), headers: { trailer: 'x-checksum' } },
    trailers: () => ({ 'x-checksum': 'of the request' }),
  })

  it('because' in requestTrailers ? `trailers of a request: ${requestTrailers.because}` : 'trailers of a request', async () => {
    const origin = await start()
    if (origin === undefined) return
    const one = client()
    if ('because' in requestTrailers) {
      // Whether it likes them or not: an answer, or an error that names what the server did, and then business as usual.
      const outcome = await one.request(withTrailers(`${origin}${peer.upload.path}`, false)).catch((error: unknown) => error)
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(TransportError)
      else expect(outcome).toMatchObject({ status: 200 })
    } else {
      const { path, whole = false } = requestTrailers
      const response = await one.request(withTrailers(origin + path, whole))
      expect(await response.text()).toBe('of the request')
    }
    expect(await (await one.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
  })

  const { path, bytes, because } = peer.fields
  it(`${bytes} bytes of fields are refused${because === undefined ? '' : `; not more, because ${because}`}`, async () => {
    const origin = await start(peer.startWithFields)
    if (origin === undefined) return
    const one = client()
    const tooMany = one.request({ url: origin + path }).then((response) => response.bytes())
    const error = await tooMany.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE', processed: 'yes' })
    const next = await one.request({ url: `${origin}/small.txt`, method: peer.startWithFields ? 'HEAD' : 'GET' })
    expect([next.status, await next.text()]).toEqual([200, peer.startWithFields ? '' : SMALL_TEXT])
    // A block of a megabyte is not read to its end, and what is not decoded leaves the compression state unknown: a new connection.
    expect(one.stats().totals.dials).toBe(because === undefined ? 2 : 1)
  })
})

async function* parts(): AsyncGenerator<Buffer> {
  yield Buffer.from('con')
  yield Buffer.from('tent')
}
