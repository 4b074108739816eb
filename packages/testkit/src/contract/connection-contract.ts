/// <reference types="jest" />
// What every engine owes the pool: one suite over any `Connection`. Where engines may differ, they say so in their traits.
// Runs inside a jest test file, whose globals it uses; imports nothing of jest itself.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:http2'
import type { Connection, HttpRequest, RequestOptions } from '@unshard/core'
import { patternBytes } from '../default-routes.js'
import type { OriginServer, OriginServerOptions } from '../origin-server.js'
import { type Answer, Recorder, read, standstill, valuesOf } from './recorder.js'

/** Every difference that the suite allows between engines. */
export interface EngineTraits {
  readonly protocol: 'h2' | 'http/1.1'
  /** Many requests at once. HTTP/1.1 has one place: ending a request early can only mean ending the connection (RFC 9112 §9.6). */
  readonly multiplexes: boolean
  /** HTTP/1.1 has no PING and refuses, `ERR_PING_UNSUPPORTED`. */
  readonly pings: boolean
  /** Sends trailers of a request. HTTP/1.1 here refuses, `ERR_TRAILERS_UNSUPPORTED`: undici sends none. */
  readonly requestTrailers: boolean
  /**
   * Octets a server can write for a body that nobody reads: a stream window and what Node's server buffers in HTTP/2. HTTP/1.1 has no
   * window, so that what the kernel buffers on a loopback connection is added.
   */
  readonly unreadBytes: number
  /** Octets that a request's source gives while the server reads nothing; same reasons. */
  readonly unsentBytes: number
  /** Checks content of its own: its `content-length`, its kind, its trailers. Node's client, the oracle, sends what it is given. */
  readonly checksContent: boolean
  /** Tells a body that its connection cut short from one that is complete. Node's client, the oracle, ends both alike. */
  readonly seesCutBody: boolean
}

export interface ContractEngine {
  readonly traits: EngineTraits
  /** Starts a server that speaks the engine's protocol. It is closed by the suite. */
  serve(options: OriginServerOptions): Promise<OriginServer>
  /** A connection to it that is ready: the server's SETTINGS, if any, have arrived. */
  open(server: OriginServer): Promise<Connection>
  /** The check that makes options a request. */
  request(options: RequestOptions): HttpRequest
}

/** Total of the bodies that are too large to be buffered anywhere. */
const LARGE_BYTES = 67_108_864
const PART = Buffer.alloc(65_536, 'part')

export function connectionContract(name: string, engine: ContractEngine): void {
  const { traits } = engine
  const recorders: Recorder[] = []
  const closers: (() => unknown)[] = []

  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
    for (const recorder of recorders) await recorder.closed
    for (const { violations, events } of recorders.splice(0)) {
      expect(violations).toEqual([])
      expect(events.filter((event) => event === 'closed')).toHaveLength(1)
      expect(events.at(-1)).toBe('closed')
    }
  })

  interface World {
    readonly server: OriginServer
    readonly connection: Connection
    send(path: string, options?: Omit<RequestOptions, 'url'>): Recorder
  }

  async function start(options: OriginServerOptions = {}): Promise<World> {
    const server = await engine.serve(options)
    closers.push(() => server.close())
    const connection = await engine.open(server)
    closers.push(() => connection.destroy(new Error('the test is over')))
    const send: World['send'] = (path, more = {}) => {
      const recorder = new Recorder()
      const request = engine.request({ url: server.url() + path, ...more })
      recorder.exchange = connection.request(request, recorder)
      recorder.returned = true
      recorders.push(recorder)
      return recorder
    }
    return { server, connection, send }
  }

  const get = async (world: World, path: string): Promise<Answer & { readonly content: Buffer }> => {
    const recorder = world.send(path)
    const answer = await recorder.answer
    const content = await read(answer.body)
    await recorder.closed
    return { ...answer, content }
  }

  /** After a request that was ended early: over HTTP/1.1 the connection went with it. */
  const expectPlaceBack = async (world: World): Promise<void> => {
    expect(world.connection.active).toBe(0)
    if (traits.multiplexes) {
      expect(world.connection.state).toBe('open')
      expect((await get(world, '/bytes/10')).content).toEqual(patternBytes(10))
    } else {
      expect(world.connection.capacity).toBe(0)
      await world.connection.close()
      expect(world.connection.state).toBe('closed')
    }
  }

  describe(`Connection contract: ${name}`, () => {
    describe('a request and its response', () => {
      it('GET', async () => {
        const world = await start()
        expect(world.connection.protocol).toBe(traits.protocol)
        const { status, fields, content } = await get(world, '/bytes/1000')
        expect(status).toBe(200)
        expect(valuesOf(fields, 'content-length')).toEqual(['1000'])
        expect(content).toEqual(patternBytes(1000))
        expect(world.server.requests).toMatchObject([{ method: 'GET', path: '/bytes/1000', protocol: traits.protocol }])
      })

      it('HEAD has fields and no content', async () => {
        const world = await start()
        const recorder = world.send('/bytes/5000', { method: 'HEAD' })
        const { fields, body } = await recorder.answer
        expect(valuesOf(fields, 'content-length')).toEqual(['5000'])
        expect(await read(body)).toHaveLength(0)
        await recorder.closed
        expect((await get(world, '/bytes/1')).content).toHaveLength(1)
      })

      it.each([
        ['bytes', () => patternBytes(200_000), 200_000],
        ['a stream', () => parts(patternBytes(200_000), 7_777), 200_000],
        ['no octets at all', () => new Uint8Array(0), 0],
        ['a stream without any', () => parts(Buffer.alloc(0), 1), 0],
        ['nothing', () => null, 0],
      ])('POST with %s', async (_what, body, length) => {
        const world = await start()
        const recorder = world.send('/inspect', { method: 'POST', body: body() })
        const answer = JSON.parse((await read((await recorder.answer).body)).toString())
        const sha256 = createHash('sha256').update(patternBytes(length)).digest('hex')
        expect(answer).toMatchObject({ method: 'POST', body: { length, sha256 } })
        expect(recorder.exchange.sentBytes).toBe(length)
      })

      it('names are in lower case, repeated fields stay apart and in order', async () => {
        const world = await start({
          handler: (_request, response) => {
            response.setHeader('X-One', '1')
            response.setHeader('Set-Cookie', ['b=2', 'a=1', 'b=2'])
            response.setHeader('x-two', '2')
            response.end()
          },
        })
        const { fields } = await get(world, '/')
        expect(valuesOf(fields, 'set-cookie')).toEqual(['b=2', 'a=1', 'b=2'])
        const names = fields.filter((_, i) => i % 2 === 0)
        expect(names.filter((each) => /^(x-|set-)/.test(each))).toEqual([
          'x-one',
          'set-cookie',
          'set-cookie',
          'set-cookie',
          'x-two',
        ])
        expect(names.filter((each) => each.startsWith(':') || each !== each.toLowerCase())).toEqual([])
      })

      it('repeated fields of the request arrive in order', async () => {
        const world = await start()
        const recorder = world.send('/', { headers: { 'x-list': ['b', 'a'] } })
        await recorder.closed
        expect(world.server.requests[0]?.headers['x-list']).toBe('b, a')
      })

      it('trailers are there when the content is complete, not before', async () => {
        const world = await start()
        const recorder = world.send('/trailers')
        const { body } = await recorder.answer
        if (!body.complete) expect(recorder.exchange.trailers).toBeUndefined()
        const content = await read(body)
        const checksum = createHash('sha256').update(content).digest('hex')
        expect(recorder.exchange.trailers).toEqual(['x-checksum', checksum])
      })

      it('interim responses come first', async () => {
        const world = await start()
        const recorder = world.send('/early-hints')
        await read((await recorder.answer).body)
        await recorder.closed
        expect(recorder.events).toEqual(['1xx', 'response', 'closed'])
        expect(recorder.informational).toMatchObject([[103, ['link', expect.stringContaining('/style.css')]]])
      })

      it.each([204, 304, 404, 500])('status %i is a response', async (status) => {
        const world = await start()
        const { status: actual, content } = await get(world, `/status/${status}`)
        expect(actual).toBe(status)
        if (status < 400) expect(content).toHaveLength(0)
        expect(world.connection.state).toBe('open')
      })

      it('10 MB come through whole', async () => {
        const world = await start()
        const { content } = await get(world, '/bytes/10000000')
        expect(content.equals(patternBytes(10_000_000))).toBe(true)
      })

      it('100 requests, as many at once as there are places', async () => {
        const world = await start()
        const lengths = await Promise.all(
          traits.multiplexes ? range(100).map(async (n) => (await get(world, `/bytes/${n}`)).content.length) : [],
        )
        for (const n of traits.multiplexes ? [] : range(100)) lengths.push((await get(world, `/bytes/${n}`)).content.length)
        expect(lengths).toEqual(range(100))
        expect(world.server.connections).toBe(1)
      })

      it('sends trailers of the request, or refuses to before anything is sent', async () => {
        const world = await start({
          handler: (request, response) => {
            request.resume().on('end', () => response.end(String(request.trailers['x-sum'])))
          },
        })
        const options = { method: 'POST', body: 'content', trailers: () => [['x-sum', '7']] as [string, string][] }
        if (traits.requestTrailers) {
          expect((await read((await world.send('/', options).answer).body)).toString()).toBe('7')
          return
        }
        expect(() => world.send('/', options)).toThrow(expect.objectContaining({ code: 'ERR_TRAILERS_UNSUPPORTED' }))
        expect(world.connection).toMatchObject({ active: 0, capacity: 1, state: 'open' })
      })
    })

    describe('back-pressure', () => {
      it('a body that nobody reads stops the server, and siblings go on', async () => {
        let written = 0
        const world = await start({
          handler: (request, response) => {
            if (request.url !== '/large') return void response.end(patternBytes(1_000_000))
            writeSlowly(response, () => {
              written += PART.length
            })
          },
        })
        const large = world.send('/large')
        const { body } = await large.answer
        const before = await standstill(() => written)
        expect(before).toBeLessThan(traits.unreadBytes)
        if (traits.multiplexes) {
          expect((await get(world, '/other')).content).toHaveLength(1_000_000)
          expect(await standstill(() => written)).toBe(before)
        }
        let length = 0
        for await (const part of body.iterate()) length += part.length
        expect(length).toBe(LARGE_BYTES)
      })

      it('a server that does not read stops the source, and its end tells the source', async () => {
        let given = 0
        let returned!: () => void
        const left = new Promise<void>((resolve) => {
          returned = resolve
        })
        const source = (async function* (): AsyncGenerator<Uint8Array> {
          try {
            while (given < LARGE_BYTES) {
              given += PART.length
              yield PART
            }
          } finally {
            returned()
          }
        })()
        const world = await start({ handler: (request) => void request.pause() })
        const recorder = world.send('/', { method: 'POST', body: source })
        await world.server.delivered(1)
        expect(await standstill(() => given)).toBeLessThan(traits.unsentBytes)
        expect(recorder.exchange.sentBytes).toBeGreaterThan(0)
        recorder.exchange.abort(new Error('enough'))
        await left
        await recorder.closed
      })
    })

    describe('abort', () => {
      it('before the response: nothing comes any more, the place is free', async () => {
        const world = await start()
        const recorder = world.send('/never')
        await world.server.delivered(1)
        recorder.exchange.abort(new Error('changed my mind'))
        recorder.exchange.abort(new Error('again'))
        await recorder.closed
        expect(recorder.events).toEqual(['closed'])
        await expectPlaceBack(world)
      })

      it('in the turn in which it was sent', async () => {
        const world = await start()
        const recorder = world.send('/never')
        recorder.exchange.abort(new Error('at once'))
        await recorder.closed
        expect(recorder.events).toEqual(['closed'])
        await expectPlaceBack(world)
      })

      it('during the content: the reader gets the reason itself', async () => {
        const world = await start()
        const recorder = world.send('/slow')
        const { body } = await recorder.answer
        const reading = body.next()
        const reason = { why: 'too slow' }
        recorder.exchange.abort(reason)
        await expect(reading).rejects.toBe(reason)
        await expect(body.next()).rejects.toBe(reason)
        await recorder.closed
        expect(recorder.events).toEqual(['response', 'closed'])
        await expectPlaceBack(world)
      })

      it('after it: who has not read yet gets the reason, nothing else happens', async () => {
        const world = await start()
        const recorder = world.send('/bytes/10')
        const { body } = await recorder.answer
        await recorder.closed
        recorder.exchange.abort('late')
        recorder.exchange.abort('later')
        await expect(body.next()).rejects.toBe('late')
        expect(world.connection.state).toBe('open')
        expect((await get(world, '/bytes/10')).content).toHaveLength(10)
      })

      it('a reader that leaves ends the rest', async () => {
        const world = await start({ handler: (_request, response) => writeSlowly(response, () => undefined) })
        const recorder = world.send('/')
        const { body } = await recorder.answer
        for await (const part of body.iterate()) {
          expect(part.length).toBeGreaterThan(0)
          break
        }
        await recorder.closed
        expect(world.connection.active).toBe(0)
        expect(recorder.events).toEqual(['response', 'closed'])
      })
    })

    describe('failures', () => {
      it('a source that fails: its own error is the cause, the server does not take it for complete', async () => {
        let ended = false
        const world = await start({
          handler: (request) => {
            request.resume().on('error', () => undefined)
            request.on('end', () => {
              ended = request.complete && !(request.aborted ?? false)
            })
          },
        })
        const recorder = world.send('/', { method: 'POST', body: failing('out of paper') })
        await expect(recorder.answer).rejects.toMatchObject({
          code: 'ERR_REQUEST_BODY',
          initiator: 'local',
          cause: { message: 'out of paper' },
        })
        await recorder.closed
        expect(recorder.events).toEqual(['error', 'closed'])
        expect(world.connection.active).toBe(0)
        expect(ended).toBe(false)
      })

      // Only an engine that looks at the content can find this.
      const checked = traits.checksContent ? it : undefined
      checked?.each([
        ['longer than its content-length', { 'content-length': '3' }, 'four', 'ERR_CONTENT_LENGTH'],
        ['shorter than its content-length', { 'content-length': '5' }, 'four', 'ERR_CONTENT_LENGTH'],
        ['no bytes', {}, 4, 'ERR_INVALID_BODY'],
        ['null', {}, null, 'ERR_INVALID_BODY'],
      ])("a source whose content is %s is the caller's mistake", async (_what, headers, part, code) => {
        const world = await start()
        const recorder = world.send('/inspect', { method: 'POST', headers, body: yielding(part) })
        await expect(recorder.answer).rejects.toMatchObject({ name: 'UsageError', code })
        await recorder.closed
        expect(recorder.events).toEqual(['error', 'closed'])
      })

      const withTrailers = traits.requestTrailers ? checked : undefined
      withTrailers?.each([
        ['bytes', () => 'content'],
        ['a stream', () => parts(Buffer.from('content'), 3)],
      ])('trailers after %s that are not allowed fail the request, and its place is free', async (_what, body) => {
        const world = await start()
        const trailers = (): Record<string, string> => ({ 'x bad': '1' })
        const recorder = world.send('/inspect', { method: 'POST', body: body(), trailers })
        await expect(recorder.answer).rejects.toMatchObject({ name: 'UsageError' })
        await recorder.closed
        await expectPlaceBack(world)
      })

      it('what cannot be sent is told after request() has returned', async () => {
        const world = await start()
        const recorder = world.send('/', { headers: { expect: '100-continue' } })
        await recorder.closed
        // HTTP/1.1 here refuses; HTTP/2 sends it, and the server goes on at once. Either is an answer.
        expect(recorder.events.filter((event) => event !== '1xx')).toEqual([expect.stringMatching('response|error'), 'closed'])
      })

      it('a reset in the middle of the content: what has arrived is read, then the error', async () => {
        const world = await start()
        const recorder = world.send('/reset')
        const { body } = await recorder.answer
        const first = await body.next()
        expect(Buffer.from(first.value as Uint8Array)).toEqual(patternBytes(10))
        await expect(body.next()).rejects.toMatchObject({ processed: 'yes', initiator: 'peer' })
        await recorder.closed
        await expectPlaceBack(world)
      })

      it('a reset before the response', async () => {
        const world = await start({
          handler: ({ socket, stream, url }, response) => {
            if (url !== '/reset') response.end(patternBytes(10))
            else if (stream === undefined) socket.destroy()
            else stream.close(constants.NGHTTP2_INTERNAL_ERROR)
          },
        })
        const recorder = world.send('/reset')
        await expect(recorder.answer).rejects.toMatchObject({ processed: 'unknown', initiator: 'peer' })
        await recorder.closed
        expect(recorder.events).toEqual(['error', 'closed'])
        await expectPlaceBack(world)
      })

      it('a connection that the server cuts fails what is under way', async () => {
        const sockets: { destroy(): void }[] = []
        const world = await start({
          handler: (request, response) => {
            sockets.push(request.stream?.session ?? request.socket)
            if (request.url === '/begun') response.writeHead(200).write('some')
          },
        })
        const begun = traits.multiplexes ? world.send('/begun') : undefined
        await begun?.answer
        const pending = world.send('/never')
        await world.server.delivered(traits.multiplexes ? 2 : 1)
        sockets[0]!.destroy()
        await expect(pending.answer).rejects.toMatchObject({ processed: 'unknown' })
        const cut = begun && read((await begun.answer).body)
        if (traits.seesCutBody)
          await expect(cut ?? Promise.reject({ processed: 'yes' })).rejects.toMatchObject({ processed: 'yes' })
        await begun?.closed
        await pending.closed
        await world.connection.close()
        expect(world.connection).toMatchObject({ state: 'closed', capacity: 0, active: 0 })
      })
    })

    describe('life', () => {
      it('capacity, active and state', async () => {
        const world = await start({ settings: { maxConcurrentStreams: 10 } })
        const { connection } = world
        const places = traits.multiplexes ? 10 : 1
        expect(connection).toMatchObject({ state: 'open', active: 0, capacity: places })
        const recorder = world.send('/slow')
        expect(connection).toMatchObject({ state: 'open', active: 1, capacity: places - 1 })
        const { body } = await recorder.answer
        expect(connection).toMatchObject({ active: 1, capacity: places - 1 })
        world.server.release()
        await read(body)
        await recorder.closed
        expect(connection).toMatchObject({ state: 'open', active: 0, capacity: places })
        connection.destroy(new Error('done'))
        expect(connection).toMatchObject({ state: 'closed', active: 0, capacity: 0 })
      })

      it('its place is there as soon as the reader has the last octet', async () => {
        const world = await start({ settings: { maxConcurrentStreams: 1 } })
        await get(world, '/bytes/1')
        const { body } = await world.send('/bytes/10').answer
        await read(body)
        // A promise of the oracle's stream, and its `close`, take a turn longer than a reader: only our engines owe this.
        if (traits.checksContent) expect(world.connection.capacity).toBe(1)
      })

      it('onChange is called when a place is free again', async () => {
        const world = await start({ settings: { maxConcurrentStreams: 1 } })
        const { connection } = world
        const recorder = world.send('/slow')
        await recorder.answer
        expect(connection.capacity).toBe(0)
        const free = new Promise<void>((resolve) => {
          connection.onChange = () => {
            if (connection.capacity > 0) resolve()
          }
        })
        world.server.release()
        await read((await recorder.answer).body)
        await free
        expect(connection.capacity).toBe(1)
      })

      it('a request may be sent from inside onChange', async () => {
        const world = await start({ settings: { maxConcurrentStreams: 1 } })
        const { connection } = world
        const left = range(5)
        const done = new Promise<void>((resolve) => {
          connection.onChange = () => {
            if (connection.capacity === 0) return
            const next = left.pop()
            if (next === undefined) return resolve()
            world.send(`/bytes/${next}`).answer.then(({ body }) => read(body), resolve)
          }
        })
        await get(world, '/bytes/9')
        await done
        expect(world.server.requests.map(({ path }) => path)).toEqual([
          '/bytes/9',
          ...range(5)
            .reverse()
            .map((n) => `/bytes/${n}`),
        ])
      })

      it('a response after which the server closes leaves no place behind', async () => {
        const world = await start({
          handler: (request, response) => {
            if (request.stream === undefined) response.setHeader('connection', 'close')
            else request.stream.session?.close()
            response.end('last')
          },
        })
        const { connection } = world
        let offered = 0
        connection.onChange = () => {
          if (connection.active === 0 && connection.capacity > 0) offered++
        }
        const recorder = world.send('/')
        expect((await read((await recorder.answer).body)).toString()).toBe('last')
        await recorder.closed
        expect(offered).toBe(0)
        expect(connection.capacity).toBe(0)
        await connection.close()
        expect(connection.state).toBe('closed')
      })

      it('close() lets requests finish and takes no more', async () => {
        const world = await start()
        const recorder = world.send('/slow')
        const { body } = await recorder.answer
        const changes: string[] = []
        world.connection.onChange = () => changes.push(world.connection.state)
        let over = false
        const closing = world.connection.close().then(() => {
          over = true
        })
        expect(world.connection).toMatchObject({ state: 'draining', capacity: 0, active: 1 })
        expect(changes[0]).toBe('draining')
        world.server.release()
        expect((await read(body)).toString()).toBe('released')
        await recorder.closed
        await closing
        expect(over).toBe(true)
        expect(world.connection.state).toBe('closed')
        expect(changes.at(-1)).toBe('closed')
      })

      it('close() of an idle connection ends it, however often it is called', async () => {
        const world = await start()
        await get(world, '/bytes/1')
        await Promise.all([world.connection.close(), world.connection.close()])
        await world.connection.close()
        expect(world.connection).toMatchObject({ state: 'closed', capacity: 0 })
      })

      it('close() of a connection that never carried anything', async () => {
        const world = await start()
        await world.connection.close()
        expect(world.connection.state).toBe('closed')
      })

      it('destroy() fails what is under way with its reason, before and after the response', async () => {
        const world = await start()
        const reason = new Error('enough')
        const begun = world.send('/slow')
        const { body } = await begun.answer
        const reading = body.next()
        const pending = traits.multiplexes ? world.send('/never') : undefined
        if (pending !== undefined) await world.server.delivered(2)
        world.connection.destroy(reason)
        world.connection.destroy(new Error('too late'))
        expect(world.connection).toMatchObject({ state: 'closed', capacity: 0 })
        await expect(reading).rejects.toBe(reason)
        await expect(pending?.answer ?? Promise.reject(reason)).rejects.toBe(reason)
        await Promise.all([begun.closed, pending?.closed])
        await world.connection.close()
      })

      it('destroy() before the response', async () => {
        const world = await start()
        const reason = new Error('enough')
        const pending = world.send('/never')
        await world.server.delivered(1)
        world.connection.destroy(reason)
        await expect(pending.answer).rejects.toBe(reason)
        await pending.closed
        expect(pending.events).toEqual(['error', 'closed'])
      })

      it('the server sees the end of a destroyed connection', async () => {
        const world = await start()
        await get(world, '/bytes/1')
        world.connection.destroy(new Error('done'))
        await world.connection.close()
        await standstill(() => world.server.openSockets)
        expect(world.server.openSockets).toBe(0)
      })
    })

    describe('ping', () => {
      it(traits.pings ? 'measures a round trip' : 'is refused', async () => {
        const { connection } = await start()
        if (traits.pings) expect(await connection.ping(5_000)).toBeGreaterThan(0)
        else await expect(connection.ping(5_000)).rejects.toMatchObject({ code: 'ERR_PING_UNSUPPORTED' })
      })

      it('cannot be answered after the end', async () => {
        const { connection } = await start()
        connection.destroy(new Error('gone'))
        await expect(connection.ping(5_000)).rejects.toMatchObject({ code: expect.any(String) })
      })
    })
  })
}

function writeSlowly(
  response: { write(part: Buffer): boolean; end(): unknown } & NodeJS.EventEmitter,
  onWrite: () => void,
): void {
  void (async () => {
    let over = false
    const closed = once(response, 'close').then(() => {
      over = true
    })
    for (let left = LARGE_BYTES; left > 0 && !over; left -= PART.length) {
      onWrite()
      if (!response.write(PART)) await Promise.race([once(response, 'drain'), closed])
    }
    if (!over) response.end()
  })()
}

async function* parts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function* failing(message: string): AsyncGenerator<string> {
  yield 'some'
  throw new RangeError(message)
}

async function* yielding(part: unknown): AsyncGenerator<string> {
  yield part as string
}

function range(length: number): number[] {
  return Array.from({ length }, (_, i) => i)
}
