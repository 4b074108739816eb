import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type OriginHandler, patternBytes } from '@unshard/testkit'
import { type PipelineSource, pipeline } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { endless, leaving, PROTOCOLS, speaking, watching } from './kinds.js'

const { server, client } = testEnvironment()
const echo: OriginHandler = (request, response) => void request.pipe(response.writeHead(200) as never)
const url = (port: number, path = '/'): string => `https://a.test.example:${port}${path}`

/** Collects written content. */
function collector(): Writable & { text(): string } {
  const chunks: Buffer[] = []
  const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => done(void chunks.push(chunk) as never) })
  return Object.assign(sink, { text: () => Buffer.concat(chunks).toString() })
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-pipeline-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe.each(PROTOCOLS)('pipeline over %s', (protocol) => {
  it.each<[string, () => PipelineSource | Promise<PipelineSource>]>([
    ['a Node stream', () => Readable.from([Buffer.from('hel'), Buffer.from('lo')])],
    ['a web stream', () => new Blob(['hello']).stream() as ReadableStream<Uint8Array>],
    ['a Blob', () => new Blob(['hello'])],
    ['a string', () => 'hello'],
    ['an array', () => ['hel', Buffer.from('lo')]],
    [
      'a generator',
      async function* () {
        yield 'hel'
        yield Buffer.from('lo')
      } as unknown as () => PipelineSource,
    ],
    [
      'a file',
      async () => {
        await writeFile(join(folder, 'source'), 'hello')
        return { path: join(folder, 'source') }
      },
    ],
  ])('from %s', async (_name, source) => {
    const { port } = await server({ handler: echo })
    const sink = collector()
    const response = await pipeline(client(speaking(protocol)), { url: url(port) }, await source(), sink)
    expect(response.status).toBe(200)
    expect(response.connection.protocol).toBe(protocol)
    expect(sink.text()).toBe('hello')
  })

  it('writes into a file, a web stream, a function that reads, and one that returns a stream', async () => {
    const { port } = await server({ handler: echo })
    const one = client(speaking(protocol))
    const bytes = patternBytes(300_000)
    const path = join(folder, 'sink')
    await pipeline(one, { url: url(port) }, bytes, createWriteStream(path))
    expect((await readFile(path)).equals(bytes)).toBe(true)

    let length = 0
    await pipeline(
      one,
      { url: url(port) },
      bytes,
      new WritableStream<Uint8Array>({
        write: (part) => {
          length += part.length
        },
      }),
    )
    expect(length).toBe(bytes.length)

    let text = ''
    await pipeline(one, { url: url(port) }, 'hello', async (response) => {
      text = await response.text()
    })
    expect(text).toBe('hello')

    const sink = collector()
    await pipeline(one, { url: url(port) }, 'hello', (response) => (response.status === 200 ? sink : new PassThrough()))
    expect(sink.text()).toBe('hello')
  })

  it('a function that does not read: the content is dropped, and its stream is released', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({ handler })
    const response = await pipeline(client(speaking(protocol)), { url: url(port) }, 'x', () => undefined)
    expect(response.status).toBe(200)
    expect(await left).toEqual(leaving(protocol))
  })

  it('a failing source ends the request and the sink', async () => {
    const { handler, left } = watching(echo)
    const { port } = await server({
      handler: (request, response) => (request.method === 'POST' ? handler(request, response) : void response.end('still here')),
    })
    const one = client(speaking(protocol))
    let first = 0
    let answered!: () => void
    const answer = new Promise<void>((resolve) => {
      answered = resolve
    })
    const failure = new Error('the disk is gone')
    const source = async function* (): AsyncGenerator<string> {
      yield 'x'
      await answer
      throw failure
    }
    const sink = collector()
    const whole = pipeline(one, { url: url(port) }, source(), (response) => {
      first = response.connection.id
      answered()
      return sink
    })
    await expect(whole).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: failure })
    expect(sink.destroyed).toBe(true)
    expect(await left).toEqual(leaving(protocol))
    const again = await one.request({ url: url(port) })
    expect(await again.text()).toBe('still here')
    expect(again.connection.id === first).toBe(protocol === 'h2')
  })

  it('a failing sink ends the request and the source', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({ handler })
    const source = new PassThrough()
    source.write('x')
    const failure = new Error('the disk is full')
    const sink = new Writable({ write: (_chunk, _encoding, done) => done(failure) })
    await expect(pipeline(client(speaking(protocol)), { url: url(port) }, source, sink)).rejects.toBe(failure)
    expect(await left).toEqual(leaving(protocol))
    expect(source.destroyed).toBe(true)
  })

  it('a sink that is closed before the response arrives ends the upload', async () => {
    const { handler, left } = watching((request) => void request.resume())
    const { port, delivered } = await server({ handler })
    const source = new PassThrough()
    source.write('x')
    const sink = collector()
    const whole = pipeline(client(speaking(protocol)), { url: url(port) }, source, sink)
    const failed = expect(whole).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
    await delivered(1)
    sink.destroy()
    await failed
    expect(await left).toEqual(leaving(protocol))
    expect(source.destroyed).toBe(true)
  })

  it('a sink that is ended before the response arrives: ERR_SINK_CLOSED', async () => {
    const { port, delivered } = await server({ handler: (request) => void request.resume() })
    const source = new PassThrough()
    source.write('x')
    const sink = new PassThrough()
    const whole = pipeline(client(speaking(protocol)), { url: url(port) }, source, sink)
    const failed = expect(whole).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_SINK_CLOSED' })
    await delivered(1)
    sink.end()
    sink.resume()
    await failed
    expect(source.destroyed).toBe(true)
  })

  it('an abort rejects with the reason itself and destroys both ends', async () => {
    const { port, delivered } = await server({ handler: (request) => void request.resume() })
    const abort = new AbortController()
    const source = new PassThrough()
    source.write('x')
    const sink = collector()
    const whole = pipeline(client(speaking(protocol)), { url: url(port), signal: abort.signal }, source, sink)
    const reason = new Error('changed my mind')
    const failed = expect(whole).rejects.toBe(reason)
    await delivered(1)
    abort.abort(reason)
    await failed
    expect(source.destroyed && sink.destroyed).toBe(true)
  })

  it('an abort during the response, with a sink that accepts no more', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({ handler })
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const sink = new Writable({ write: () => setImmediate(() => abort.abort(reason)) })
    const whole = pipeline(client(speaking(protocol)), { url: url(port), signal: abort.signal }, 'x', sink)
    await expect(whole).rejects.toBe(reason)
    expect(sink.destroyed).toBe(true)
    expect(await left).toEqual(leaving(protocol))
  })

  it('after an early response, the response goes into the sink, and the source is closed', async () => {
    const { port } = await server({ handler: (_request, response) => void response.writeHead(413).end('too much') })
    const source = new PassThrough()
    source.write('x')
    const sink = collector()
    const whole = pipeline(client(speaking(protocol)), { url: url(port) }, source, sink)
    await finished(sink)
    if (!source.destroyed) source.end()
    expect((await whole).status).toBe(413)
    expect(sink.text()).toBe('too much')
  })
})

it('a request that never gets a connection destroys source and sink', async () => {
  const source = new PassThrough()
  const sink = collector()
  await expect(pipeline(client(), { url: 'https://nowhere.example/' }, source, sink)).rejects.toMatchObject({
    code: 'ENOTFOUND',
  })
  expect(source.destroyed && sink.destroyed).toBe(true)
})
