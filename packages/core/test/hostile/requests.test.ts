/** Rows I of the matrix: what the caller passes, and what becomes of a request that is cancelled. I04 is fetch's. */

import { getEventListeners } from 'node:events'
import { contentOf, type DecodedRequest, frames, type ScriptedConnection } from '@unshard/testkit'
import type { RequestOptions } from '../../src/index.js'
import { gate, heard, response, serve, theatre, transports, until } from './rig.js'

const t = theatre()

/** Keeps what is asked and answers. */
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
    `I01 method ${JSON.stringify(method)}`,
    'ERR_INVALID_METHOD',
    () => ({ method }),
  ]),
  ...['a\r\nb', 'a\nb', 'a\rb', 'a\0b', 'a\u0100b'].map((value): (typeof refused)[number] => [
    `I01 field value ${JSON.stringify(value)}`,
    'ERR_INVALID_FIELD_VALUE',
    () => ({ headers: { a: value } }),
  ]),
  [
    'I01 content-type',
    'ERR_INVALID_FIELD_VALUE',
    () => ({ method: 'POST', body: 'x', headers: { 'content-type': 'a\r\nb: c' } }),
  ],
  ['I01 host with CR LF', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'a\r\nb: c' } })],
  ['I01 host with a path', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'a/b' } })],
  ['I01 host with user information', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { host: 'u@a' } })],
  ['I01 CR LF in the host of the URL', 'ERR_INVALID_URL', (url) => ({ url: url.replace('a.test', 'a%0d%0a.test') })],
  ['I01 NUL in the host of the URL', 'ERR_INVALID_URL', (url) => ({ url: url.replace('a.test', 'a\0.test') })],
  ...['a\r\n', 'a b', '', 'a:', 'é'].map((name): (typeof refused)[number] => [
    `I01 field name ${JSON.stringify(name)}`,
    'ERR_INVALID_FIELD_NAME',
    () => ({ headers: { [name]: 'v' } }),
  ]),
  ...[':path', ':authority', ':status', ':protocol'].map((name): (typeof refused)[number] => [
    `I02 §8.3 ${name}`,
    'ERR_INVALID_FIELD_NAME',
    () => ({ headers: { [name]: 'v' } }),
  ]),
  ...['transfer-encoding', 'upgrade'].map((name): (typeof refused)[number] => [
    `I02 §8.2.2 ${name}`,
    'ERR_FORBIDDEN_FIELD',
    () => ({ headers: { [name]: 'x' } }),
  ]),
  ['I02 a content-length that is none', 'ERR_INVALID_FIELD_VALUE', () => ({ headers: { 'content-length': '+1' } })],
  [
    'I02 a content-length that is not so',
    'ERR_CONTENT_LENGTH',
    () => ({ method: 'POST', body: 'x', headers: { 'content-length': '2' } }),
  ],
]

/** The bytes of the field block of a stream. */
function blockOf(p: ScriptedConnection, id: number): Buffer {
  return contentOf(p.received.find(({ typeName, streamId }) => typeName === 'HEADERS' && streamId === id)!)
}

/** Twelve moments to abort at, by when the test has seen them. */
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

describe.each(transports)('over %s', (_name, on) => {
  it.each(refused)('%s: a UsageError %s, and not a byte of it is written', async (_title, code, options) => {
    const requests: DecodedRequest[] = []
    const actors = await t.stage(on, (p) => record(p, requests))
    const bad = options(actors.url())
    await expect(actors.request(bad)).rejects.toMatchObject({ name: 'UsageError', code, processed: 'no' })
    expect(actors.peer.connections).toBe(0)
    await actors.request({ url: actors.url('/good') })
    await expect(actors.request(bad)).rejects.toMatchObject({ name: 'UsageError', code })
    await actors.request({ url: actors.url('/good') })
    expect(requests.map(({ path }) => path)).toEqual(['/good', '/good'])
  })

  it('I01 I02 I03 what the URL parser and the check make harmless: the path, host, te; the authority is that of the URL', async () => {
    const requests: DecodedRequest[] = []
    const actors = await t.stage(on, (p) => record(p, requests))
    for (const path of ['/a\r\nb', '/a\0b', '//evil.example/x', '/https://evil.example/', '/\\evil.example', '/%0d%0a']) {
      await actors.request({ url: actors.url(path) })
    }
    await actors.request({ headers: { Host: 'other.example', TE: 'trailers' } })
    const authority = `a.test.example:${actors.peer.port}`
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

  it('I05 §8.2.3 cookies go as the caller has written them: one line each, not joined and not split', async () => {
    const requests: DecodedRequest[] = []
    const actors = await t.stage(on, (p) => record(p, requests))
    await actors.request({ headers: { cookie: 'a=1; b=2' } })
    await actors.request({ headers: { cookie: ['a=1', 'b=2'] } })
    const cookies = requests.map(({ fields }) => fields.filter(([name]) => name === 'cookie').map(([, value]) => value))
    expect(cookies).toEqual([['a=1; b=2'], ['a=1', 'b=2']])
  })

  it('I06 RFC 7541 §7.1.3 credentials and short cookies are never indexed, and neither is what the caller calls sensitive', async () => {
    const requests: DecodedRequest[] = []
    const actors = await t.stage(on, (p) => record(p, requests))
    const headers = { authorization: 'Bearer secret', cookie: 's=1', 'x-token': 'secret', 'x-plain': 'y' }
    for (let i = 0; i < 2; i++) await actors.request({ headers, sensitive: ['x-token'] })
    const [p] = actors.peer.peers
    const [first, second] = [1, 3].map((id) => blockOf(p!, id))
    // Never indexed (0001xxxx) with the name of static entry 23, then of 32.
    for (const block of [first!, second!]) {
      for (const bytes of ['1f08', '1f11']) expect(block.includes(Buffer.from(bytes, 'hex'))).toBe(true)
    }
    // The plain one is one byte in the second block; the others are sent whole again.
    expect(second!.length).toBeGreaterThan(20)
    expect(requests[1]!.fields).toEqual(requests[0]!.fields)
    const without = { 'x-plain': 'y' }
    await actors.request({ headers: without })
    expect(blockOf(p!, 5).length).toBeLessThan(second!.length - 20)
  })

  it.each(moments.map((moment, at): [string, number] => [moment, at]))(
    'I07 cancelled %s: settled once, RST_STREAM CANCEL where a stream is open, nothing left',
    async (moment, at) => {
      const abort = new AbortController()
      const { signal } = abort
      const reason = new Error(moment)
      const stop = (now: string): void => {
        if (now === moment) abort.abort(reason)
      }
      const done = gate()
      const queued = gate()
      const actors = await t.stage(on, async (p) => {
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
        await conversation(p, id, at)
        done.open()
        if (moment !== 'trailers') await p.next('RST_STREAM')
        await serve(p)
      })
      let settled = 0
      if (moment === 'queued') await actors.request()
      stop('before')
      const requesting = actors.request({
        url: actors.url('/cancelled'),
        method: 'POST',
        signal,
        body: at >= 4 && at < 6 ? { [Symbol.asyncIterator]: () => upload(moment === 'uploading') } : 'x',
        onInformational: () => stop('informed'),
      })
      stop('dialing')
      const outcome = requesting.then(read, (error: unknown) => error)
      outcome.then(() => settled++).catch(() => undefined)
      async function read(answer: Awaited<typeof requesting>): Promise<unknown> {
        stop('headers')
        const { body } = answer
        try {
          if (at >= 8) await until(() => actors.one.stats().connections.length > 0)
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
      if (at >= 3 && at <= 5) await done.promise
      stop('sent')
      stop('uploading')
      stop('uploaded')
      expect(await outcome).toBe(reason)
      await until(() => actors.one.stats().connections.every(({ origin, active }) => origin.includes('b.test') || active === 0))
      expect((await actors.request()).status).toBe(204)
      expect([settled, getEventListeners(signal, 'abort').length]).toEqual([1, 0])
      const sent = actors.peer.peers.flatMap(heard)
      expect(sent).toEqual(at >= 3 && moment !== 'trailers' ? ['RST_STREAM 1 CANCEL'] : [])
    },
  )

  it('I08 CVE-2023-44487 10,000 requests aborted at once over a limit of 100: no more streams than that before PING is acknowledged', async () => {
    const hundred = gate()
    const go = gate()
    let opened = 0
    const actors = await t.stage(on, async (p) => {
      await p.handshake({ maxConcurrentStreams: 100 })
      p.respond((await p.nextRequest()).streamId, 204)
      for (; opened < 100; opened++) await p.nextRequest()
      hundred.open()
      const { payload } = await p.next('PING')
      await go.promise
      // Everything that has come so far, and it is no more.
      opened = p.received.filter(({ typeName, streamId }) => typeName === 'HEADERS' && streamId > 1).length
      p.send(frames.ping(payload, true))
      await serve(p)
    })
    await actors.request()
    const abort = new AbortController()
    const reason = new Error('enough')
    const requests = Array.from({ length: 10_000 }, () => actors.request({ signal: abort.signal }))
    await hundred.promise
    abort.abort(reason)
    const ends = await Promise.allSettled(requests)
    expect(ends.every((end) => end.status === 'rejected' && end.reason === reason)).toBe(true)
    expect(getEventListeners(abort.signal, 'abort')).toEqual([])
    const next = actors.request()
    go.open()
    expect((await next).status).toBe(204)
    const [p] = actors.peer.peers
    expect(opened).toBe(100)
    expect(heard(p!)).toEqual(Array.from({ length: 100 }, (_, i) => `RST_STREAM ${3 + 2 * i} CANCEL`))
    expect(p!.received.filter(({ typeName }) => typeName === 'PING')).toHaveLength(1)
    expect(actors.peer.connections).toBe(1)
  })
})

/** What the peer says until the moment at which the test aborts. */
async function conversation(p: ScriptedConnection, id: number, at: number): Promise<void> {
  if (at === 4 || at === 5) await p.next('DATA')
  if (at >= 6) p.send(frames.headers(id, [[':status', '103']]))
  if (at >= 7) p.send(response(id))
  if (at >= 8) p.send(frames.data(id, 'half'))
  if (at === 11) p.send(frames.headers(id, [['t', 'v']], { endStream: true }))
}

async function* upload(forEver: boolean): AsyncGenerator<string> {
  yield 'x'
  if (forEver) await new Promise(() => undefined)
}
