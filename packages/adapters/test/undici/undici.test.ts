/** undici's own functions and fetch, of every version that runs here, with our dispatcher. */

import { once } from 'node:events'
import { PassThrough, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type OriginHandler, staticLookup, testWorld } from '@unshard/testkit'
import { Dispatcher, type DispatcherOptions } from '../../src/undici/index.js'
import { flood } from '../environment.js'
import { PROTOCOLS, speaking } from '../streams/kinds.js'
import { versions } from './versions.js'

const environment = testWorld()
const HOSTS = Array.from({ length: 12 }, (_, i) => `s${i}.test.example`)
const lookup = staticLookup(Object.fromEntries([...HOSTS, 'a.test.example'].map((host) => [host, '127.0.0.1'])))

function dispatcher(options: DispatcherOptions = {}): Dispatcher {
  const made = new Dispatcher({ tls: { ca: environment.authority.ca }, lookup, ...options })
  environment.defer(() => made.destroy())
  return made
}

const url = (port: number, path = '/', host = 'a.test.example'): string => `https://${host}:${port}${path}`

async function untilStill(value: () => number): Promise<void> {
  for (let before = -1; before !== value(); ) {
    before = value()
    for (let turn = 0; turn < 500; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

describe.each(versions())('$name', ({ name, undici }) => {
  describe.each(PROTOCOLS)('over %s', (protocol) => {
    const ours = (options: DispatcherOptions = {}): never => dispatcher({ ...speaking(protocol), ...options }) as never

    it('request: status, headers, trailers, body', async () => {
      const { port } = await environment.server()
      const { statusCode, headers, body, trailers } = await undici.request(url(port, '/trailers'), { dispatcher: ours() })
      expect([statusCode, headers['content-type']]).toEqual([200, 'text/plain'])
      expect(await body.text()).toBe('followed by trailers')
      expect((trailers as Record<string, string>)['x-checksum']).toMatch(/^[0-9a-f]{64}$/)
    })

    it('request: every kind of body', async () => {
      const { port } = await environment.server()
      const form = new undici.FormData()
      form.append('name', 'value')
      const bodies = ['content', Buffer.from('content'), Readable.from(['content']), new Blob(['content']), form]
      for (const body of bodies) {
        const options = { method: 'POST', dispatcher: ours(), body: body as never } as const
        const answer = await undici.request(url(port, '/echo'), options)
        const text = await answer.body.text()
        if (body === form) {
          expect(answer.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
          expect(text).toContain('name="name"\r\n\r\nvalue')
        } else expect(text).toBe('content')
      }
    })

    it('request: informational responses', async () => {
      const { port } = await environment.server()
      const seen: number[] = []
      const onInfo = ({ statusCode }: { statusCode: number }): void => void seen.push(statusCode)
      const { body } = await undici.request(url(port, '/early-hints'), { dispatcher: ours(), onInfo } as never)
      await body.text()
      expect(seen).toEqual([103])
    })

    it('request: an unread body holds the peer back, and continues when it is read', async () => {
      const { handler, sent } = flood()
      const { port } = await environment.server({ handler })
      const { body } = await undici.request(url(port), { dispatcher: ours() })
      await untilStill(sent)
      const before = sent()
      expect(before).toBeLessThan(16_000_000)
      for await (const chunk of body) if ((chunk as Buffer).length > 0 && sent() > before * 2) break
      expect(sent()).toBeGreaterThan(before)
    })

    it('request: an abort before or during the response rejects with the reason', async () => {
      const { port, delivered } = await environment.server()
      const reason = new Error('changed my mind')
      const before = new AbortController()
      const waiting = expect(undici.request(url(port, '/never'), { dispatcher: ours(), signal: before.signal })).rejects.toBe(
        reason,
      )
      await delivered(1)
      before.abort(reason)
      await waiting
      const during = new AbortController()
      const { body } = await undici.request(url(port, '/slow'), { dispatcher: ours(), signal: during.signal })
      const reading = expect(body.text()).rejects.toBe(reason)
      during.abort(reason)
      await reading
    })

    it('stream and pipeline', async () => {
      const { port } = await environment.server()
      let text = ''
      const sink = new Writable({
        write(chunk, _encoding, done) {
          text += chunk
          done()
        },
      })
      await undici.stream(url(port), { dispatcher: ours(), method: 'GET' }, () => sink)
      expect(text).toBe(`hello from a.test.example:${port}`)
      const duplex = undici.pipeline(url(port, '/echo'), { dispatcher: ours(), method: 'POST' }, ({ body }) => body)
      let length = 0
      await pipeline(Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)]), duplex, async (parts) => {
        for await (const part of parts) length += (part as Buffer).length
      })
      expect(length).toBe(200_000)
    })

    it('fetch: json, a body, a redirect, a content coding, an abort', async () => {
      const { port } = await environment.server()
      const init = { dispatcher: ours() }
      const json = await undici.fetch(url(port, '/json'), init)
      expect([json.status, json.ok, await json.json()]).toEqual([200, true, { message: 'hello', list: [1, 2, 3] }])
      const echo = await undici.fetch(url(port, '/echo'), { ...init, method: 'POST', body: 'content' })
      expect(await echo.text()).toBe('content')
      const there = await undici.fetch(url(port, `/redirect?to=/json`), init)
      expect([there.redirected, new URL(there.url).pathname]).toEqual([true, '/json'])
      expect(await (await undici.fetch(url(port, '/br'), init)).text()).toMatch(/^unsharded /)
      const abort = new AbortController()
      const slow = await undici.fetch(url(port, '/slow'), { ...init, signal: abort.signal })
      abort.abort()
      await expect(slow.text()).rejects.toMatchObject({ name: 'AbortError' })
    })

    it('a reset by the server is an error that retry libraries recognize', async () => {
      const { port } = await environment.server()
      const { body } = await undici.request(url(port, '/reset'), { dispatcher: ours() })
      const error = (await body.text().catch((thrown: unknown) => thrown)) as { code: string; cause: { processed: string } }
      expect(['UND_ERR_SOCKET', 'ECONNRESET']).toContain(error.code)
      expect(error.cause.processed).toBe('yes')
    })

    it('deadlines per call', async () => {
      const { port } = await environment.server()
      const never = undici.request(url(port, '/never'), { dispatcher: ours(), headersTimeout: 100 })
      await expect(never).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT', cause: { phase: 'headers', ms: 100 } })
      const { body } = await undici.request(url(port, '/slow'), { dispatcher: ours(), bodyTimeout: 100 })
      await expect(body.text()).rejects.toMatchObject({ code: 'UND_ERR_BODY_TIMEOUT', name: 'BodyTimeoutError' })
    })

    it('interceptors: retry, redirect, dump, dns', async () => {
      let refused = 2
      const handler: OriginHandler = (request, response) => {
        if (request.url === '/retry' && refused-- > 0) return void response.writeHead(503).end('later')
        if (request.url === '/redirect') return void response.writeHead(302, { location: '/' }).end()
        response.end('at last')
      }
      const { port } = await environment.server({ handler })
      const { interceptors } = undici
      const retrying = (ours() as Dispatcher).compose(interceptors.retry({ minTimeout: 1 }) as never)
      const retried = await undici.request(url(port, '/retry'), { dispatcher: retrying as never })
      expect([retried.statusCode, await retried.body.text()]).toEqual([200, 'at last'])
      const redirecting = (ours() as Dispatcher).compose([interceptors.redirect({ maxRedirections: 2 }) as never])
      const redirected = await undici.request(url(port, '/redirect'), { dispatcher: redirecting as never })
      expect([redirected.statusCode, await redirected.body.text()]).toEqual([200, 'at last'])
      const dumping = (ours() as Dispatcher).compose(interceptors.dump() as never)
      const dumped = await undici.request(url(port), { dispatcher: dumping as never })
      expect([dumped.statusCode, await dumped.body.text()]).toEqual([200, ''])
      const resolving = (ours() as Dispatcher).compose(interceptors.dns({ lookup: resolveAll as never }) as never)
      const resolved = await undici.request(url(port), { dispatcher: resolving as never })
      expect([resolved.statusCode, await resolved.body.text()]).toEqual([200, 'at last'])
    })

    it('a refused connection, and an unknown host name', async () => {
      const { port, close } = await environment.server()
      await close()
      const refused = undici.request(url(port), { dispatcher: ours() })
      await expect(refused).rejects.toMatchObject({
        code: 'ECONNREFUSED',
        syscall: 'connect',
        cause: { code: 'ECONNREFUSED' },
      })
      const nowhere = undici.fetch('https://nowhere.example/', { dispatcher: ours() })
      await expect(nowhere).rejects.toMatchObject({ name: 'TypeError', cause: { code: 'ENOTFOUND' } })
    })

    it('CONNECT is refused by name', async () => {
      const { port } = await environment.server()
      const connecting = undici.connect(url(port), { dispatcher: ours() } as never)
      await expect(connecting).rejects.toMatchObject({ code: 'UND_ERR_NOT_SUPPORTED' })
    })
  })

  it('twelve hosts of one certificate: one connection', async () => {
    const server = await environment.server()
    const one = dispatcher() as never
    const ask = async (host: string): Promise<string> => {
      const { body } = await undici.request(url(server.port, '/', host), { dispatcher: one })
      return body.text()
    }
    // The first request alone: how long others wait for a handshake depends on time and has its own
    // test.
    const texts = [await ask(HOSTS[0]!), ...(await Promise.all(HOSTS.slice(1).map(ask)))]
    expect(texts).toEqual(HOSTS.map((host) => `hello from ${host}:${server.port}`))
    const fetched = await Promise.all(HOSTS.map((host) => undici.fetch(url(server.port, '/', host), { dispatcher: one })))
    expect(fetched.map(({ status }) => status)).toEqual(HOSTS.map(() => 200))
    expect(server.connections).toBe(1)
  })

  it('a mock as fallback handles everything while it is active', async () => {
    const mock = new undici.MockAgent()
    mock.disableNetConnect()
    mock.get('https://api.example').intercept({ path: '/' }).reply(200, 'mocked')
    const { body } = await undici.request('https://api.example/', {
      dispatcher: dispatcher({ fallback: mock as never }) as never,
    })
    expect(await body.text()).toBe('mocked')
    await mock.close()
  })

  it("errors are instances of undici's classes", async () => {
    if (name === 'undici 6') return expect(undici.errors.UndiciError).toBeDefined()
    const { port } = await environment.server()
    const error = await undici
      .request(url(port, '/never'), { dispatcher: dispatcher() as never, headersTimeout: 50 })
      .catch((e) => e)
    expect(error instanceof undici.errors.HeadersTimeoutError && error instanceof undici.errors.UndiciError).toBe(true)
    expect(error instanceof undici.errors.BodyTimeoutError).toBe(false)
  })
})

/** Resolves like the resolver of undici's `dns` interceptor. */
function resolveAll(_origin: unknown, _options: unknown, callback: (error: null, addresses: unknown[]) => void): void {
  callback(null, [{ address: '127.0.0.1', family: 4, ttl: 1_000 }])
}

describe("the running Node's own fetch with init.dispatcher", () => {
  it('twelve hosts: one connection', async () => {
    const server = await environment.server()
    const one = dispatcher() as never
    const ask = async (host: string): Promise<string> =>
      (await fetch(url(server.port, '/', host), { dispatcher: one } as never)).text()
    const texts = [await ask(HOSTS[0]!), ...(await Promise.all(HOSTS.slice(1).map(ask)))]
    expect(texts).toEqual(HOSTS.map((host) => `hello from ${host}:${server.port}`))
    expect(server.connections).toBe(1)
  })

  it.each(PROTOCOLS)('over %s: bodies, aborts, errors', async (protocol) => {
    const { port, delivered } = await environment.server()
    const init = { dispatcher: dispatcher(speaking(protocol)) } as never as RequestInit
    const stream = new Blob(['content']).stream()
    const echo = await fetch(url(port, '/echo'), { ...init, method: 'POST', body: stream, duplex: 'half' } as RequestInit)
    expect([await echo.text(), echo.statusText]).toEqual(['content', protocol === 'h2' ? '' : 'OK'])
    const form = new FormData()
    form.append('file', new Blob(['content']), 'name.txt')
    const posted = await fetch(url(port, '/echo'), { ...init, method: 'POST', body: form })
    expect(await posted.text()).toContain('filename="name.txt"')
    const cookies = await fetch(url(port, '/set-cookie'), init)
    expect(cookies.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2; Path=/; HttpOnly'])
    await cookies.text()
    const abort = new AbortController()
    const never = expect(fetch(url(port, '/never'), { ...init, signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    await delivered(4)
    abort.abort()
    await never
    const reset = await fetch(url(port, '/reset'), init)
    await expect(reset.text()).rejects.toMatchObject({ name: 'TypeError' })
    await expect(fetch('https://nowhere.example/', init)).rejects.toMatchObject({ name: 'TypeError' })
  })
})

it('a source that never ends is closed when the request is aborted', async () => {
  const { port, delivered } = await environment.server()
  const source = new PassThrough()
  source.write('x')
  const one = dispatcher()
  let abort!: (reason?: unknown) => void
  const failed = new Promise((resolve) => {
    const handler = {
      onConnect: (given: typeof abort) => {
        abort = given
      },
      onHeaders: () => true,
      onData: () => true,
      onComplete: () => undefined,
      onBodySent: () => undefined,
      onError: resolve,
    }
    one.dispatch({ origin: `https://a.test.example:${port}`, path: '/never', method: 'POST', body: source }, handler)
  })
  await delivered(1)
  const closed = once(source, 'close')
  abort()
  expect(await failed).toMatchObject({ code: 'UND_ERR_ABORTED', name: 'AbortError' })
  await closed
})
