/** Interim responses, expected or not, and content that waits for one (RFC 9110 §10.1.1, §15.2). */

import { FakeClock } from '@unshard/testkit'
import { Client, type ClientOptions } from '../../src/index.js'
import { type RawScript, type RawServer, startRawServer } from './raw-server.js'

const closers: (() => unknown)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

async function serve(script: RawScript): Promise<RawServer> {
  const server = await startRawServer(script)
  closers.push(() => server.close())
  return server
}

function createClient(options: ClientOptions = {}): Client {
  const client = new Client(options)
  closers.push(() => client.destroy())
  return client
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

async function* slowly(parts: readonly string[], between: () => Promise<unknown>): AsyncGenerator<string> {
  for (const part of parts) {
    yield part
    await between()
  }
}

// RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a
// final response, even if the client does not expect one. A user agent MAY ignore unexpected 1xx
// responses."
describe.each([
  ['100', CONTINUE, [[100, []]]],
  ['three 100', CONTINUE.repeat(3), [100, 100, 100].map((status) => [status, []])],
  [
    '100 with fields',
    'HTTP/1.1 100 Continue\r\nServer: Old\r\ncontent-length: 0\r\n\r\n',
    [[100, ['server', 'Old', 'content-length', '0']]],
  ],
  ['100 without a reason', 'HTTP/1.1 100\r\n\r\n', [[100, []]]],
  ['100 and 102', `${CONTINUE}HTTP/1.1 102 Processing\r\n\r\n`, [[100, []], [102, []]]], // biome-ignore format: one line
  ['103', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', [[103, ['link', '</a>']]]],
  ['199', 'HTTP/1.1 199 -\r\n\r\n', [[199, []]]],
] as [string, string, [number, string[]][]][])('an unexpected %s', (_title, interim, interims) => {
  it.each(['GET', 'PUT', 'POST'])(
    'before the response to %s is passed to onInformational, and the request is sent once',
    async (method) => {
      const server = await serve({ onRequest: ({ socket }) => socket.write(interim + OK) })
      const client = createClient()
      const received: [number, readonly string[]][] = []
      for (let i = 0; i < 2; i++) {
        const body = method === 'GET' ? null : 'content'
        const response = await client.request({
          ...{ url: server.url, method, body },
          onInformational: (status, fields) => void received.push([status, fields]),
        })
        expect(await response.text()).toBe('ok')
      }
      expect(server.requests.map(({ method: each }) => each)).toEqual([method, method])
      expect(server.lines).toHaveLength(1)
      expect(received).toEqual([...interims, ...interims])
    },
  )

  it('before, between and after parts of the content does not interrupt or repeat the content', async () => {
    const server = await serve({
      onHead: ({ socket }) => void socket.write(interim),
      onRequest: ({ socket }) => socket.write(interim + OK),
    })
    let received = 0
    const body = slowly(['a', 'b', 'c'], async () => {
      server.lines[0]?.socket.write(interim)
      await new Promise(setImmediate)
    })
    const response = await createClient().request({ url: server.url, method: 'PUT', body, onInformational: () => received++ })
    expect(await response.text()).toBe('ok')
    expect(server.requests).toMatchObject([{ method: 'PUT', content: 'abc' }])
    expect(received).toBeGreaterThanOrEqual(2 * interims.length)
  })
})

it('an interim response that arrives byte by byte is read', async () => {
  const server = await serve({
    async onRequest({ socket }) {
      for (const byte of CONTINUE + OK) await new Promise<void>((resolve) => void socket.write(byte, () => setImmediate(resolve)))
    },
  })
  expect(await (await createClient().request({ url: server.url })).text()).toBe('ok')
  expect(server.requests).toHaveLength(1)
})

it('interim responses are not limited if onInformational is set', async () => {
  const server = await serve({ onRequest: ({ socket }) => socket.write('HTTP/1.1 102 -\r\n\r\n'.repeat(10_000) + OK) })
  let received = 0
  const response = await createClient().request({ url: server.url, onInformational: () => received++ })
  expect([await response.text(), received]).toEqual(['ok', 10_000])
})

it('the limit on interim responses grows with time', async () => {
  const clock = new FakeClock()
  const server = await serve({})
  const answer = createClient({ clock }).request({ url: server.url })
  await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
  const line = server.lines[0]!
  for (let i = 0; i < 20; i++) {
    // Eleven of these responses reach the limit.
    await new Promise<void>(
      (resolve) => void line.socket.write(`HTTP/1.1 102 -\r\na: ${'x'.repeat(6_000)}\r\n\r\n`, () => resolve()),
    )
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    clock.advance(10_000)
  }
  line.socket.write(OK)
  expect(await (await answer).text()).toBe('ok')
})

// RFC 9110 §10.1.1: "A client that sends a 100-continue expectation is not required to wait for any
// specific length of time".
describe('expect: 100-continue', () => {
  const headers = { expect: '100-continue' }
  const bodies: [string, () => string | AsyncIterable<string>][] = [
    ['bytes', () => 'content'],
    ['a stream', () => slowly(['con', 'tent'], () => Promise.resolve())],
  ]

  it.each(bodies)('content from %s waits for 100', async (_kind, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    const clock = new FakeClock()
    const client = createClient({ clock })
    for (let i = 1; i <= 2; i++) {
      const answer = client.request({ url: server.url, method: 'PUT', headers, body: body() })
      await until(() => server.lines[0]?.text.split('expect: 100-continue').length === i + 1)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      expect(server.lines[0]!.text.endsWith('\r\n\r\n')).toBe(true)
      server.lines[0]!.socket.write(CONTINUE)
      expect(await (await answer).text()).toBe('ok')
      expect(server.requests).toHaveLength(i)
      expect(server.requests[i - 1]).toMatchObject({ method: 'PUT', content: 'content' })
      server.lines[0]!.text = server.lines[0]!.text.replace('\r\n\r\ncontent', '\r\n\r\n')
    }
    expect(server.lines).toHaveLength(1)
  })

  it.each(bodies)('content from %s is sent after a second without a response', async (_kind, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    const clock = new FakeClock()
    const answer = createClient({ clock }).request({ url: server.url, method: 'PUT', headers, body: body() })
    await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
    clock.advance(999)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(server.requests).toHaveLength(0)
    clock.advance(1)
    expect(await (await answer).text()).toBe('ok')
    expect(server.requests).toMatchObject([{ content: 'content' }])
  })

  it.each([417, 401, 413, 200, 500])(
    'status %i in place of 100: the content is not sent, and the connection is not used again',
    async (status) => {
      const server = await serve({
        onHead: ({ socket, number }) => {
          if (number === 0) socket.write(`HTTP/1.1 ${status} -\r\ncontent-length: 2\r\n\r\nno`)
        },
        onRequest: ({ socket, number }) => {
          if (number > 0) socket.write(OK)
        },
      })
      const client = createClient()
      let opened = 0
      let returned = false
      const body = {
        [Symbol.asyncIterator]: () => {
          opened++
          return {
            next: () => Promise.resolve({ done: false, value: 'x' }),
            return: () => {
              returned = true
              return Promise.resolve({ done: true })
            },
          }
        },
      } as unknown as AsyncIterable<string>
      const response = await client.request({ url: server.url, method: 'POST', headers, body })
      expect([response.status, await response.text()]).toEqual([status, 'no'])
      expect([opened, returned]).toEqual([0, false])
      expect(await (await client.request({ url: server.url })).text()).toBe('ok')
      expect(server.lines).toHaveLength(2)
      expect(server.lines[0]!.text.endsWith('\r\n\r\n')).toBe(true)
    },
  )

  it('an interim response other than 100 does not start the content', async () => {
    const server = await serve({
      onHead: ({ socket }) => void socket.write('HTTP/1.1 103 -\r\n\r\n'),
      onRequest: ({ socket }) => socket.write(OK),
    })
    const clock = new FakeClock()
    let hints = 0
    const answer = createClient({ clock }).request({
      ...{ url: server.url, method: 'POST', headers, body: 'content' },
      onInformational: () => hints++,
    })
    await until(() => hints === 1)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(server.requests).toHaveLength(0)
    server.lines[0]!.socket.write(CONTINUE)
    expect(await (await answer).text()).toBe('ok')
  })

  // RFC 9110 §10.1.1: "A client MUST NOT generate a 100-continue expectation in a request that does
  // not include content."
  it.each([
    ['GET', null],
    ['POST', ''],
  ])('%s without content is sent without the expectation', async (method, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    expect(await (await createClient().request({ url: server.url, method, headers, body })).text()).toBe('ok')
    expect(server.requests[0]!.head).not.toContain('expect')
  })

  it('an abort while the content waits ends the request, and the body is never read', async () => {
    const server = await serve({})
    const abort = new AbortController()
    let opened = 0
    const body = {
      [Symbol.asyncIterator]: () => {
        opened++
        return { next: () => new Promise(() => undefined) }
      },
    } as AsyncIterable<string>
    const answer = createClient().request({ url: server.url, method: 'POST', headers, body, signal: abort.signal })
    await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
    abort.abort('enough')
    await expect(answer).rejects.toBe('enough')
    expect(opened).toBe(0)
  })
})

it('a final response during the upload is delivered, and the body is returned without sending the rest', async () => {
  const server = await serve({
    onHead: ({ socket, number }) => void (number === 0 && socket.write('HTTP/1.1 413 -\r\ncontent-length: 2\r\n\r\nno')),
    onRequest: ({ socket }) => socket.write(OK),
  })
  const client = createClient()
  let markReturned!: () => void
  const bodyReturned = new Promise<void>((resolve) => {
    markReturned = resolve
  })
  const body = (async function* () {
    try {
      yield 'x'
      await new Promise(() => undefined)
    } finally {
      markReturned()
    }
  })()
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => body.next(),
      return: async () => {
        markReturned()
        return { done: true, value: undefined }
      },
    }),
  }
  const response = await client.request({ url: server.url, method: 'POST', body: source as AsyncIterable<string> })
  expect([response.status, await response.text()]).toEqual([413, 'no'])
  await bodyReturned
  expect(await (await client.request({ url: server.url })).text()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})
