/** Interim responses, asked for or not, and content that waits for one (RFC 9110 §10.1.1, §15.2). */

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

function client(options: ClientOptions = {}): Client {
  const made = new Client(options)
  closers.push(() => made.destroy())
  return made
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

// RFC 9110 §15.2: "A client MUST be able to parse one or more 1xx responses received prior to a final response, even if the client does not
// expect one. A user agent MAY ignore unexpected 1xx responses."
describe.each([
  ['100', CONTINUE, [[100, []]]],
  ['100 three times', CONTINUE.repeat(3), [100, 100, 100].map((status) => [status, []])],
  [
    '100 with fields',
    'HTTP/1.1 100 Continue\r\nServer: Old\r\ncontent-length: 0\r\n\r\n',
    [[100, ['server', 'Old', 'content-length', '0']]],
  ],
  ['100 without a reason', 'HTTP/1.1 100\r\n\r\n', [[100, []]]],
  ['100 and 102', `${CONTINUE}HTTP/1.1 102 Processing\r\n\r\n`, [[100, []], [102, []]]], // biome-ignore format: one line
  ['103', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n', [[103, ['link', '</a>']]]],
  ['199', 'HTTP/1.1 199 -\r\n\r\n', [[199, []]]],
] as [string, string, [number, string[]][]][])('an unasked %s', (_title, interim, told) => {
  it.each(['GET', 'PUT', 'POST'])('%s is delivered once, and answered', async (method) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(interim + OK) })
    const one = client()
    const heard: [number, readonly string[]][] = []
    for (let i = 0; i < 2; i++) {
      const body = method === 'GET' ? null : 'content'
      const response = await one.request({
        ...{ url: server.url, method, body },
        onInformational: (status, fields) => void heard.push([status, fields]),
      })
      expect(await response.text()).toBe('ok')
    }
    expect(server.requests.map(({ method: each }) => each)).toEqual([method, method])
    expect(server.lines).toHaveLength(1)
    expect(heard).toEqual([...told, ...told])
  })

  it('before the content, between its parts and behind it: the content arrives whole, once', async () => {
    const server = await serve({
      onHead: ({ socket }) => void socket.write(interim),
      onRequest: ({ socket }) => socket.write(interim + OK),
    })
    let heard = 0
    const body = slowly(['a', 'b', 'c'], async () => {
      server.lines[0]?.socket.write(interim)
      await new Promise(setImmediate)
    })
    const response = await client().request({ url: server.url, method: 'PUT', body, onInformational: () => heard++ })
    expect(await response.text()).toBe('ok')
    expect(server.requests).toMatchObject([{ method: 'PUT', content: 'abc' }])
    expect(heard).toBeGreaterThanOrEqual(2 * told.length)
  })
})

it('an interim response in pieces of one byte', async () => {
  const server = await serve({
    async onRequest({ socket }) {
      for (const byte of CONTINUE + OK) await new Promise<void>((resolve) => void socket.write(byte, () => setImmediate(resolve)))
    },
  })
  expect(await (await client().request({ url: server.url })).text()).toBe('ok')
  expect(server.requests).toHaveLength(1)
})

it('interim responses are not limited where the caller wants them', async () => {
  const server = await serve({ onRequest: ({ socket }) => socket.write('HTTP/1.1 102 -\r\n\r\n'.repeat(10_000) + OK) })
  let heard = 0
  const response = await client().request({ url: server.url, onInformational: () => heard++ })
  expect([await response.text(), heard]).toEqual(['ok', 10_000])
})

it('interim responses over hours are no flood: time forgives them', async () => {
  const clock = new FakeClock()
  const server = await serve({})
  const answer = client({ clock }).request({ url: server.url })
  await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
  const line = server.lines[0]!
  for (let i = 0; i < 20; i++) {
    // Eleven of them are the limit.
    await new Promise<void>(
      (resolve) => void line.socket.write(`HTTP/1.1 102 -\r\na: ${'x'.repeat(6_000)}\r\n\r\n`, () => resolve()),
    )
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    clock.advance(10_000)
  }
  line.socket.write(OK)
  expect(await (await answer).text()).toBe('ok')
})

// RFC 9110 §10.1.1: "A client that sends a 100-continue expectation is not required to wait for any specific length of time".
describe('expect: 100-continue', () => {
  const headers = { expect: '100-continue' }
  const bodies: [string, () => string | AsyncIterable<string>][] = [
    ['bytes', () => 'content'],
    ['a stream', () => slowly(['con', 'tent'], () => Promise.resolve())],
  ]

  it.each(bodies)('%s wait for 100', async (_kind, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    const clock = new FakeClock()
    const one = client({ clock })
    for (let i = 1; i <= 2; i++) {
      const answer = one.request({ url: server.url, method: 'PUT', headers, body: body() })
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

  it.each(bodies)('%s are sent after a second to a server that says nothing', async (_kind, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    const clock = new FakeClock()
    const answer = client({ clock }).request({ url: server.url, method: 'PUT', headers, body: body() })
    await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
    clock.advance(999)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(server.requests).toHaveLength(0)
    clock.advance(1)
    expect(await (await answer).text()).toBe('ok')
    expect(server.requests).toMatchObject([{ content: 'content' }])
  })

  it.each([417, 401, 413, 200, 500])(
    'status %i instead: the content is not sent, and the connection has no next request',
    async (status) => {
      const server = await serve({
        onHead: ({ socket, number }) => {
          if (number === 0) socket.write(`HTTP/1.1 ${status} -\r\ncontent-length: 2\r\n\r\nno`)
        },
        onRequest: ({ socket, number }) => {
          if (number > 0) socket.write(OK)
        },
      })
      const one = client()
      let opened = 0
      let left = false
      const body = {
        [Symbol.asyncIterator]: () => {
          opened++
          return {
            next: () => Promise.resolve({ done: false, value: 'x' }),
            return: () => {
              left = true
              return Promise.resolve({ done: true })
            },
          }
        },
      } as unknown as AsyncIterable<string>
      const response = await one.request({ url: server.url, method: 'POST', headers, body })
      expect([response.status, await response.text()]).toEqual([status, 'no'])
      expect([opened, left]).toEqual([0, false])
      expect(await (await one.request({ url: server.url })).text()).toBe('ok')
      expect(server.lines).toHaveLength(2)
      expect(server.lines[0]!.text.endsWith('\r\n\r\n')).toBe(true)
    },
  )

  it('an interim response that is not 100 does not let the content go', async () => {
    const server = await serve({
      onHead: ({ socket }) => void socket.write('HTTP/1.1 103 -\r\n\r\n'),
      onRequest: ({ socket }) => socket.write(OK),
    })
    const clock = new FakeClock()
    let hints = 0
    const answer = client({ clock }).request({
      ...{ url: server.url, method: 'POST', headers, body: 'content' },
      onInformational: () => hints++,
    })
    await until(() => hints === 1)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(server.requests).toHaveLength(0)
    server.lines[0]!.socket.write(CONTINUE)
    expect(await (await answer).text()).toBe('ok')
  })

  // RFC 9110 §10.1.1: "A client MUST NOT generate a 100-continue expectation in a request that does not include content."
  it.each([
    ['GET', null],
    ['POST', ''],
  ])('%s without content does not carry it', async (method, body) => {
    const server = await serve({ onRequest: ({ socket }) => socket.write(OK) })
    expect(await (await client().request({ url: server.url, method, headers, body })).text()).toBe('ok')
    expect(server.requests[0]!.head).not.toContain('expect')
  })

  it('an abort while the content waits ends the request, and the content is never read', async () => {
    const server = await serve({})
    const abort = new AbortController()
    let opened = 0
    const body = {
      [Symbol.asyncIterator]: () => {
        opened++
        return { next: () => new Promise(() => undefined) }
      },
    } as AsyncIterable<string>
    const answer = client().request({ url: server.url, method: 'POST', headers, body, signal: abort.signal })
    await until(() => server.lines[0]?.text.includes('\r\n\r\n') === true)
    abort.abort('enough')
    await expect(answer).rejects.toBe('enough')
    expect(opened).toBe(0)
  })
})

it('a final response before the content is all sent is the answer; the rest is not sent, and its source is told', async () => {
  const server = await serve({
    onHead: ({ socket, number }) => void (number === 0 && socket.write('HTTP/1.1 413 -\r\ncontent-length: 2\r\n\r\nno')),
    onRequest: ({ socket }) => socket.write(OK),
  })
  const one = client()
  let left!: () => void
  const told = new Promise<void>((resolve) => {
    left = resolve
  })
  const body = (async function* () {
    try {
      yield 'x'
      await new Promise(() => undefined)
    } finally {
      left()
    }
  })()
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => body.next(),
      return: async () => {
        left()
        return { done: true, value: undefined }
      },
    }),
  }
  const response = await one.request({ url: server.url, method: 'POST', body: source as AsyncIterable<string> })
  expect([response.status, await response.text()]).toEqual([413, 'no'])
  await told
  expect(await (await one.request({ url: server.url })).text()).toBe('ok')
  expect(server.lines).toHaveLength(2)
})
