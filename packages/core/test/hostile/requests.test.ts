/**
 * Invalid requests and cancelled requests: rows I of the matrix of hostile servers. I04 is tested
 * with fetch.
 */

import { getEventListeners } from 'node:events'
import { contentOf, type DecodedRequest, frames, type ScriptedConnection } from '@unshard/testkit'
import type { RequestOptions } from '../../src/index.js'
import { errorFrames, gate, hostileFixture, response, serve, transports, until } from './fixture.js'

const fixture = hostileFixture()

/** Records each request and answers it. */
async function record(p: ScriptedConnection, requests: DecodedRequest[]): Promise<never> {
  await p.handshake()
  for (;;) {
    const request = await p.nextRequest()
    requests.push(request)
    p.respond(request.streamId, 204)
  }
}

const refused: [title: string, code: string, options: (url: string) => Partial<RequestOptions>][] = [
  ...['GET\r\n', 'G ET', 'GET\0', 'GET /x HTTP/1.1\r\nx:'].map((method): (typeof refused)[number] => [
    `the method ${JSON.stringify(method)} (I01)`,
    'ERR_INVALID_METHOD',
    () => ({ method }),
  ]),
  ...['a\r\nb', 'a\nb', 'a\rb', 'a\0b', 'a\u0100b'].map((value): (typeof refused)[number] => [
    `the field value ${JSON.stringify(value)} (I01)`,
    'ERR_INVALID_FIELD_VALUE',
    () => ({ headers: { a: value } }),
  ]),
  [
    'a content-type with CR LF (I01)',
    'ERR_INVALID_FIELD_VALUE',
    () => ({ method: 'POST', body: 'x', headers: { 'content-type': 'a\r\nb: c' } }),
  ],
  ['a host field with CR LF (I01)', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'a\r\nb: c' } })],
  ['a host field with a path (I01)', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'a/b' } })],
  ['a host field with user information (I01)', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'u@a' } })],
  ['a URL with CR LF in its host (I01)', 'ERR_INVALID_URL', (url) => ({ url: url.replace('a.test', 'a%0d%0a.test') })],
  ['a URL with NUL in its host (I01)', 'ERR_INVALID_URL', (url) => ({ url: url.replace('a.test', 'a\0.test') })],
  ...['a\r\n', 'a b', '', 'a:', 'é'].map((name): (typeof refused)[number] => [
    `the field name ${JSON.stringify(name)} (I01)`,
    'ERR_INVALID_FIELD_NAME',
    () => ({ headers: { [name]: 'v' } }),
  ]),
  ...[':path', ':authority', ':status', ':protocol'].map((name): (typeof refused)[number] => [
    `the pseudo-field ${name} (I02, §8.3)`,
    'ERR_INVALID_FIELD_NAME',
    () => ({ headers: { [name]: 'v' } }),
  ]),
  ...['transfer-encoding', 'upgrade'].map((name): (typeof refused)[number] => [
    `the field ${name} (I02, §8.2.2)`,
    'ERR_FORBIDDEN_FIELD',
    () => ({ headers: { [name]: 'x' } }),
  ]),
  ['an invalid content-length (I02)', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { 'content-length': '+1' } })],
  [
    'a content-length that differs from the content (I02)',
    'ERR_CONTENT_LENGTH',
    () => ({ method: 'POST', body: 'x', headers: { 'content-length': '2' } }),
  ],
]

/** Field block of a stream. */
function blockOf(p: ScriptedConnection, id: number): Buffer {
  return contentOf(p.received.find(({ typeName, streamId }) => typeName === 'HEADERS' && streamId === id)!)
}

/** Moments of an exchange at which a test aborts it, in order. */
const moments = [
  'before',
  'dialing',
  'queued',
  'sent',
  'uploading',
  'uploaded',
  'informed',
  'headers',
  'content',
  'reading',
  'half read',
  'trailers',
]

describe.each(transports)('over %s', (_name, transport) => {
  it.each(refused)('%s causes a UsageError %s, and no byte of the request is sent', async (_title, code, options) => {
    const requests: DecodedRequest[] = []
    const setup = await fixture.open(transport, (p) => record(p, requests))
    const invalidRequest = options(setup.url())
    await expect(setup.request(invalidRequest)).rejects.toMatchObject({ name: 'UsageError', code, processed: 'no' })
    expect(setup.peer.connections).toBe(0)
    await setup.request({ url: setup.url('/good') })
    await expect(setup.request(invalidRequest)).rejects.toMatchObject({ name: 'UsageError', code })
    await setup.request({ url: setup.url('/good') })
    expect(requests.map(({ path }) => path)).toEqual(['/good', '/good'])
  })

  it('CR, LF, NUL and URLs in a path are escaped or removed; a host field replaces the authority (I01, I02, I03)', async () => {
    const requests: DecodedRequest[] = []
    const setup = await fixture.open(transport, (p) => record(p, requests))
    for (const path of ['/a\r\nb', '/a\0b', '//evil.example/x', '/https://evil.example/', '/\\evil.example', '/%0d%0a']) {
      await setup.request({ url: setup.url(path) })
    }
    await setup.request({ headers: { Host: 'other.example', TE: 'trailers' } })
    const authority = `a.test.example:${setup.peer.port}`
    expect(requests.map((request) => [request.authority, request.path])).toEqual([
      [authority, '/ab'],
      [authority, '/a%00b'],
      [authority, '//evil.example/x'],
      [authority, '/https://evil.example/'],
      [authority, '//evil.example'],
      [authority, '/%0d%0a'],
      ['other.example', '/'],
    ])
    expect(requests.at(-1)!.fields.filter(([name]) => name === 'te' || name === 'host')).toEqual([['te', 'trailers']])
  })

  it('cookie fields are sent as the caller passes them, neither joined nor split (I05, §8.2.3)', async () => {
    const requests: DecodedRequest[] = []
    const setup = await fixture.open(transport, (p) => record(p, requests))
    await setup.request({ headers: { cookie: 'a=1; b=2' } })
    await setup.request({ headers: { cookie: ['a=1', 'b=2'] } })
    const cookies = requests.map(({ fields }) => fields.filter(([name]) => name === 'cookie').map(([, value]) => value))
    expect(cookies).toEqual([['a=1; b=2'], ['a=1', 'b=2']])
  })

  it('credentials, short cookies and sensitive fields are never indexed (I06, RFC 7541 §7.1.3)', async () => {
    const requests: DecodedRequest[] = []
    const setup = await fixture.open(transport, (p) => record(p, requests))
    const headers = { authorization: 'Bearer secret', cookie: 's=1', 'x-token': 'secret', 'x-plain': 'y' }
    for (let i = 0; i < 2; i++) await setup.request({ headers, sensitive: ['x-token'] })
    const [p] = setup.peer.peers
    const [first, second] = [1, 3].map((id) => blockOf(p!, id))
    // Never indexed (0001xxxx) with the name of static entry 23, then of 32.
    for (const block of [first!, second!]) {
      for (const bytes of ['1f08', '1f11']) expect(block.includes(Buffer.from(bytes, 'hex'))).toBe(true)
    }
    // In the second block x-plain is one byte, and the other fields are literals again.
    expect(second!.length).toBeGreaterThan(20)
    expect(requests[1]!.fields).toEqual(requests[0]!.fields)
    const plain = { 'x-plain': 'y' }
    await setup.request({ headers: plain })
    expect(blockOf(p!, 5).length).toBeLessThan(second!.length - 20)
  })

  it.each(moments.map((moment, step): [string, number] => [moment, step]))(
    'an abort at the moment "%s" settles once and resets an open stream with CANCEL (I07)',
    async (moment, step) => {
      const abort = new AbortController()
      const { signal } = abort
      const reason = new Error(moment)
      const stop = (now: string): void => {
        if (now === moment) abort.abort(reason)
      }
      const done = gate()
      const queued = gate()
      const setup = await fixture.open(transport, async (p) => {
        await p.handshake()
        if (moment === 'queued') {
          const { streamId } = await p.nextRequest()
          p.send(frames.settings({ maxConcurrentStreams: 0 }))
          p.respond(streamId, 204)
          await queued.promise
          p.send(frames.settings({ maxConcurrentStreams: 1 }))
        }
        const { streamId: id, path } = await p.nextRequest()
        if (path !== '/cancelled') return p.respond(id, 204)
        await respondUntil(p, id, step)
        done.open()
        if (moment !== 'trailers') await p.next('RST_STREAM')
        await serve(p)
      })
      let settled = 0
      if (moment === 'queued') await setup.request()
      stop('before')
      const requesting = setup.request({
        url: setup.url('/cancelled'),
        method: 'POST',
        signal,
        body: step >= 4 && step < 6 ? { [Symbol.asyncIterator]: () => upload(moment === 'uploading') } : 'x',
        onInformational: () => stop('informed'),
      })
      stop('dialing')
      const outcome = requesting.then(read, (error: unknown) => error)
      outcome.then(() => settled++).catch(() => undefined)
      async function read(answer: Awaited<typeof requesting>): Promise<unknown> {
        stop('headers')
        const { body } = answer
        try {
          if (step >= 8) await until(() => setup.client.stats().connections.length > 0)
          stop('content')
          const first = body.next()
          stop('reading')
          await first
          stop('half read')
          while (!(await body.next()).done);
          stop('trailers')
          return reason
        } catch (error) {
          return error
        }
      }
      stop('queued')
      queued.open()
      if (step >= 3 && step <= 5) await done.promise
      stop('sent')
      stop('uploading')
      stop('uploaded')
      expect(await outcome).toBe(reason)
      await until(() => setup.client.stats().connections.every(({ origin, active }) => origin.includes('b.test') || active === 0))
      expect((await setup.request()).status).toBe(204)
      expect([settled, getEventListeners(signal, 'abort').length]).toEqual([1, 0])
      const sent = setup.peer.peers.flatMap(errorFrames)
      expect(sent).toEqual(step >= 3 && moment !== 'trailers' ? ['RST_STREAM 1 CANCEL'] : [])
    },
  )

  it('10,000 aborted requests open at most 100 streams until the PING is acknowledged (I08, CVE-2023-44487)', async () => {
    const hundred = gate()
    const go = gate()
    let opened = 0
    const setup = await fixture.open(transport, async (p) => {
      await p.handshake({ maxConcurrentStreams: 100 })
      p.respond((await p.nextRequest()).streamId, 204)
      for (; opened < 100; opened++) await p.nextRequest()
      hundred.open()
      const { payload } = await p.next('PING')
      await go.promise
      // All requests that arrived before the acknowledgement.
      opened = p.received.filter(({ typeName, streamId }) => typeName === 'HEADERS' && streamId > 1).length
      p.send(frames.ping(payload, true))
      await serve(p)
    })
    await setup.request()
    const abort = new AbortController()
    const reason = new Error('enough')
    const requests = Array.from({ length: 10_000 }, () => setup.request({ signal: abort.signal }))
    await hundred.promise
    abort.abort(reason)
    const ends = await Promise.allSettled(requests)
    expect(ends.every((end) => end.status === 'rejected' && end.reason === reason)).toBe(true)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    const next = setup.request()
    go.open()
    expect((await next).status).toBe(204)
    const [p] = setup.peer.peers
    expect(opened).toBe(100)
    expect(errorFrames(p!)).toEqual(Array.from({ length: 100 }, (_, i) => `RST_STREAM ${3 + 2 * i} CANCEL`))
    expect(p!.received.filter(({ typeName }) => typeName === 'PING')).toHaveLength(1)
    expect(setup.peer.connections).toBe(1)
  })
})

/** Sends the frames of the peer up to the moment of the abort. */
async function respondUntil(p: ScriptedConnection, id: number, step: number): Promise<void> {
  if (step === 4 || step === 5) await p.next('DATA')
  if (step >= 6) p.send(frames.headers(id, [[':status', '103']]))
  if (step >= 7) p.send(response(id))
  if (step >= 8) p.send(frames.data(id, 'half'))
  if (step === 11) p.send(frames.headers(id, [['t', 'v']], { endStream: true }))
}

async function* upload(endless: boolean): AsyncGenerator<string> {
  yield 'x'
  if (endless) await new Promise(() => undefined)
}
