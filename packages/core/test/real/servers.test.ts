/** The client against third-party servers. A warning names each server that is not installed. */

import { patternBytes, SMALL_TEXT } from '@unshard/testkit'
import { type RequestOptions, TransportError } from '../../src/index.js'
import { clientFixture } from '../client/fixture.js'
import { type Backend, createBackend, TRAILER } from './backend.js'
import { type Peer, peerList } from './peers.js'

const { client: createClient, tls, defer } = clientFixture()

describe.each(peerList)('%s', (name, peer) => {
  let backend: Backend

  async function start(starter: Peer['start'] = peer.start): Promise<string | undefined> {
    backend = createBackend()
    const server = await starter({ tls: await tls(), behind: backend.listener })
    if (server === undefined) {
      console.warn(`${name} is not installed: its tests are skipped`)
      return undefined
    }
    defer(() => server.stop())
    return `https://a.test.example:${server.port}`
  }

  it('answers 150 requests to a new origin over one connection', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient()
    const answers = await Promise.all(
      Array.from({ length: 150 }, async () => (await client.request({ url: `${origin}/small.txt` })).text()),
    )
    expect(answers).toEqual(Array.from({ length: 150 }, () => SMALL_TEXT))
    expect(client.stats()).toMatchObject({ connections: [{ protocol: 'h2', active: 0 }], totals: { dials: 1, replayed: 0 } })
  })

  it('answers 100 streams at the same time on one connection', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient()
    await (await client.request({ url: `${origin}/small.txt` })).text()
    const answers = Array.from({ length: 100 }, async (_, at) => {
      const response = await client.request({ url: at % 2 === 0 ? `${origin}/small.txt` : `${origin}/10k.json` })
      return at % 2 === 0 ? response.text() : ((await response.json()) as object[]).length
    })
    expect(client.stats().connections).toMatchObject([{ active: 100 }])
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? SMALL_TEXT : 128)))
    expect(client.stats().totals).toMatchObject({ dials: 1, requests: 101, replayed: 0 })
  })

  it('sends and receives more content than fits in any window', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient({ streamWindowBytes: 65_535, connectionWindowBytes: 65_535, windowBudgetBytes: 0 })
    const bytes = await (await client.request({ url: `${origin}/1m.bin` })).bytes()
    expect(bytes).toHaveLength(1 << 20)
    const body = Buffer.alloc(3_000_000, 'x')
    const response = await client.request({ url: `${origin}/upload`, method: 'POST', body })
    expect(response.status).toBe(200)
    await response.bytes()
  })

  it('receives a POST of 10 MB completely', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient()
    const body = patternBytes(10_000_000)
    const { path, answers } = peer.upload
    const response = await client.request({ url: origin + path, method: 'POST', body })
    const answer = Buffer.from(await response.bytes())
    expect(response.status).toBe(200)
    if (answers === 'body') expect(answer.equals(body)).toBe(true)
    else expect(answer.toString()).toBe(String(body.length))
    expect(client.stats().totals).toMatchObject({ dials: 1, replayed: 0 })
  })

  it('serves three hosts of one certificate on separate connections without a policy', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient()
    for (const letter of 'abc') {
      const response = await client.request({ url: `${origin.replace('//a.', `//${letter}.`)}/small.txt` })
      expect(await response.text()).toBe(SMALL_TEXT)
      expect(response.connection.coalesced).toBe(false)
    }
    expect(client.stats().totals.dials).toBe(3)
  })

  it('keeps its connection after HEAD, a missing file, and an aborted download', async () => {
    const origin = await start()
    if (origin === undefined) return
    const client = createClient()
    const head = await client.request({ url: `${origin}/1m.bin`, method: 'HEAD' })
    expect((await head.bytes()).length).toBe(0)
    expect((await client.request({ url: `${origin}/nowhere` })).status).toBe(404)
    const abort = new AbortController()
    const download = await client.request({ url: `${origin}/1m.bin`, signal: abort.signal })
    abort.abort('enough')
    await expect(download.text()).rejects.toBe('enough')
    expect(await (await client.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
    expect(client.stats().totals.dials).toBe(1)
  })

  const { responseTrailers } = peer
  const noTrailers = typeof responseTrailers === 'object'
  it(
    noTrailers ? `returns no trailers of responses: ${responseTrailers.because}` : 'returns the trailers of a response',
    async () => {
      const origin = await start()
      if (origin === undefined) return
      const response = await createClient().request({ url: origin + (noTrailers ? '/behind/trailers' : responseTrailers) })
      await response.text()
      expect(response.status).toBe(200)
      expect([...response.trailers!]).toEqual(noTrailers ? [] : [TRAILER])
    },
  )

  const { requestTrailers } = peer
  const withTrailers = (url: string, whole: boolean): RequestOptions => ({
    ...{ url, method: 'POST', body: whole ? Buffer.from('content') : parts(), headers: { trailer: 'x-checksum' } },
    trailers: () => ({ 'x-checksum': 'of the request' }),
  })

  it(
    'because' in requestTrailers
      ? `stays usable after trailers of a request: ${requestTrailers.because}`
      : 'receives the trailers of a request',
    async () => {
      const origin = await start()
      if (origin === undefined) return
      const client = createClient()
      if ('because' in requestTrailers) {
        // A response, or an error that describes the behavior of the server.
        const outcome = await client.request(withTrailers(`${origin}${peer.upload.path}`, false)).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(TransportError)
        else expect(outcome).toMatchObject({ status: 200 })
      } else {
        const { path, whole = false } = requestTrailers
        const response = await client.request(withTrailers(origin + path, whole))
        expect(await response.text()).toBe('of the request')
      }
      expect(await (await client.request({ url: `${origin}/small.txt` })).text()).toBe(SMALL_TEXT)
    },
  )

  const { path, bytes, because } = peer.fields
  it(`causes an error with ${bytes} bytes of fields${because === undefined ? '' : `; not more, because ${because}`}`, async () => {
    const origin = await start(peer.startWithFields)
    if (origin === undefined) return
    const client = createClient()
    const tooMany = client.request({ url: origin + path }).then((response) => response.bytes())
    const error = await tooMany.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'ResponseError', code: 'ERR_RESPONSE_TOO_LARGE', processed: 'yes' })
    const next = await client.request({ url: `${origin}/small.txt`, method: peer.startWithFields ? 'HEAD' : 'GET' })
    expect([next.status, await next.text()]).toEqual([200, peer.startWithFields ? '' : SMALL_TEXT])
    // A block of a megabyte is not read to its end: the compression state is lost.
    expect(client.stats().totals.dials).toBe(because === undefined ? 2 : 1)
  })
})

async function* parts(): AsyncGenerator<Buffer> {
  yield Buffer.from('con')
  yield Buffer.from('tent')
}
