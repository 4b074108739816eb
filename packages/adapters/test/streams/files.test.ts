import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { chmod, link, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type OriginHandler, patternBytes } from '@unshard/testkit'
import { receiveFile, sendFile, type TransferProgress } from '../../src/index.js'
import { testEnvironment } from '../environment.js'
import { endless, leaving, PROTOCOLS, speaking, watching } from './kinds.js'

const { server, client } = testEnvironment()
const url = (port: number, path = '/'): string => `https://a.test.example:${port}${path}`
const BYTES = patternBytes(400_000)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-files-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Descriptors of this process inside the folder: none may stay open. */
async function openFiles(): Promise<number> {
  const { readlink } = await import('node:fs/promises')
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
  return links.filter((link) => link.startsWith(folder)).length
}

describe.each(PROTOCOLS)('sendFile over %s', (protocol) => {
  it('sends the whole file with its length and reports progress', async () => {
    const { port } = await server()
    const path = join(folder, 'upload')
    await writeFile(path, BYTES)
    const seen: TransferProgress[] = []
    const onProgress = (progress: TransferProgress): void => void seen.push(progress)
    const response = await sendFile(client(speaking(protocol)), path, { url: url(port, '/inspect'), onProgress })
    const { method, headers, body } = (await response.json()) as {
      method: string
      headers: Record<string, string>
      body: { length: number }
    }
    expect([method, headers['content-length'], body.length]).toEqual(['PUT', '400000', 400_000])
    expect(seen.at(-1)).toEqual({ transferredBytes: 400_000, totalBytes: 400_000 })
    expect(await openFiles()).toBe(0)
  })

  it('sends a range of a file given by URL, and an empty range', async () => {
    const { port } = await server({ handler: (request, response) => void request.pipe(response.writeHead(200) as never) })
    const one = client(speaking(protocol))
    const path = join(folder, 'upload')
    await writeFile(path, BYTES)
    const part = await sendFile(one, pathToFileURL(path), { url: url(port), start: 1_000, end: 200_000 })
    expect(Buffer.from(await part.bytes()).equals(BYTES.subarray(1_000, 200_001))).toBe(true)
    await writeFile(path, '')
    expect(await (await sendFile(one, path, { url: url(port) })).text()).toBe('')
    expect(await openFiles()).toBe(0)
  })

  it('closes the file after an abort, after an early response, and without a server', async () => {
    const { handler, left } = watching((request) => void request.resume())
    const { port, delivered } = await server({
      handler: (request, response) =>
        request.url === '/early' ? void response.writeHead(413).end() : handler(request, response),
    })
    const one = client(speaking(protocol))
    const path = join(folder, 'upload')
    await writeFile(path, Buffer.alloc(20_000_000))
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const sending = expect(sendFile(one, path, { url: url(port), signal: abort.signal })).rejects.toBe(reason)
    await delivered(1)
    abort.abort(reason)
    await sending
    expect(await left).toEqual(leaving(protocol))
    const early = await sendFile(one, path, { url: url(port, '/early') })
    expect(early.status).toBe(413)
    await early.text()
    await expect(sendFile(one, path, { url: 'https://nowhere.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await one.close({ graceMs: 0 })
    while ((await openFiles()) > 0) await new Promise((resolve) => setImmediate(resolve))
  })

  it('a file that shrinks while it is sent fails the request, and so does an error of the progress callback', async () => {
    const { port } = await server({ handler: (request) => void request.resume() })
    const path = join(folder, 'upload')
    await writeFile(path, BYTES)
    const shrinking = sendFile(client(speaking(protocol)), path, {
      url: url(port),
      onProgress: () => void writeFileSync(path, ''),
    })
    await expect(shrinking).rejects.toMatchObject({ code: 'ERR_CONTENT_LENGTH' })
    await writeFile(path, BYTES)
    const failure = new Error('enough')
    const stopping = sendFile(client(speaking(protocol)), path, {
      url: url(port),
      onProgress: () => {
        throw failure
      },
    })
    await expect(stopping).rejects.toMatchObject({ code: 'ERR_REQUEST_BODY', cause: failure })
    expect(await openFiles()).toBe(0)
  })
})

it('a range outside the file is refused before anything is sent', async () => {
  const path = join(folder, 'upload')
  await writeFile(path, 'ten octets')
  for (const range of [{ start: -1 }, { end: 10 }, { start: 8, end: 5 }, { start: 0.5 }]) {
    await expect(sendFile(client(), path, { url: 'https://a.test.example/', ...range })).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
    })
  }
  await expect(sendFile(client(), folder, { url: 'https://a.test.example/' })).rejects.toMatchObject({
    code: 'ERR_INVALID_OPTION',
  })
  await expect(sendFile(client(), join(folder, 'none'), { url: 'https://a.test.example/' })).rejects.toMatchObject({
    code: 'ENOENT',
  })
  expect(await openFiles()).toBe(0)
})

interface Representation {
  /** Fields that identify the representation. */
  readonly fields: Record<string, string>
  /** Closes the connection after this many bytes. */
  breakAt?: number | undefined
  /** Responds to a range in a custom way. */
  answer?: ((response: Parameters<OriginHandler>[1], start: number) => void) | undefined
}

/** A server with range support according to RFC 9110 §14. */
function ranges(it: Representation): OriginHandler {
  return (request, response) => {
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const unchanged = request.headers['if-range'] === (it.fields['etag'] ?? it.fields['last-modified'])
    if (start > 0 && it.answer !== undefined) return it.answer(response, start)
    const from = start > 0 && unchanged ? start : 0
    if (from >= BYTES.length) return void response.writeHead(416, { 'content-range': `bytes */${BYTES.length}` }).end()
    const range = from === 0 ? {} : { 'content-range': `bytes ${from}-${BYTES.length - 1}/${BYTES.length}` }
    response.writeHead(from === 0 ? 200 : 206, { ...it.fields, ...range, 'content-length': BYTES.length - from })
    if (it.breakAt === undefined) return void response.end(BYTES.subarray(from))
    response.write(BYTES.subarray(from, it.breakAt), () => {
      if (response.stream === undefined) request.socket.destroySoon()
      else response.stream.close(2)
    })
  }
}

describe.each(PROTOCOLS)('receiveFile over %s', (protocol) => {
  const etag = '"one"'

  it('the file gets its name when it is complete, and progress is reported', async () => {
    const { port } = await server({ handler: ranges({ fields: { etag } }) })
    const path = join(folder, 'file')
    const seen: TransferProgress[] = []
    const onProgress = (progress: TransferProgress): void => void seen.push(progress)
    const { bytes, response, resumedBytes } = await receiveFile(client(speaking(protocol)), { url: url(port), onProgress }, path)
    expect([bytes, resumedBytes, response.status]).toEqual([400_000, 0, 200])
    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect(seen[0]).toEqual({ transferredBytes: 0, totalBytes: 400_000 })
    expect(seen.at(-1)).toEqual({ transferredBytes: 400_000, totalBytes: 400_000 })
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('a failed download leaves nothing behind, and an existing file of that name stays', async () => {
    const { port } = await server({ handler: ranges({ fields: { etag }, breakAt: 100_000 }) })
    const path = join(folder, 'file')
    await writeFile(path, 'old')
    await expect(receiveFile(client(speaking(protocol)), { url: url(port) }, path)).rejects.toMatchObject({ processed: 'yes' })
    expect(await readdir(folder)).toEqual(['file'])
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await openFiles()).toBe(0)
  })

  it.each([
    ['a strong ETag', { etag }],
    ['an old enough Last-Modified', { 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }],
  ])('resumes where it stopped, with %s', async (_name, fields) => {
    const it = { fields, breakAt: 100_000 } as Representation
    const { port, requests } = await server({ handler: ranges(it) })
    const path = join(folder, 'file')
    const options = { url: url(port), resume: true }
    const one = client(speaking(protocol))
    await expect(receiveFile(one, options, path)).rejects.toMatchObject({ processed: 'yes' })
    expect((await readdir(folder)).sort()).toEqual(['file.part', 'file.part.json'])
    const there = (await readFile(join(folder, 'file.part'))).length
    expect(there).toBeGreaterThan(0)
    it.breakAt = undefined
    const { resumedBytes, bytes, response } = await receiveFile(one, options, path)
    expect([resumedBytes, bytes, response.status]).toEqual([there, 400_000, 206])
    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect(requests.at(-1)!.headers).toMatchObject({ range: `bytes=${there}-`, 'if-range': Object.values(fields)[0] })
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('starts over if the representation has changed', async () => {
    const it: Representation = { fields: { etag: '"two"' } }
    const { port } = await server({ handler: ranges(it) })
    await leave(port, 'not of this file', '"one"')
    const { resumedBytes } = await receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, join(folder, 'file'))
    expect(resumedBytes).toBe(0)
    expect((await readFile(join(folder, 'file'))).equals(BYTES)).toBe(true)
  })

  it('a 206 for another range, without its end, or of another representation is an error; the partial file stays', async () => {
    const wrong = [
      { 'content-range': 'bytes 0-399999/400000' },
      { 'content-range': 'bytes 1000-1999/400000' },
      { 'content-range': 'bytes 1000-399999/*', etag: '"two"' },
      { 'content-range': 'bytes nonsense' },
      {},
    ]
    const it: Representation = { fields: { etag } }
    const { port } = await server({ handler: ranges(it) })
    await leave(port, BYTES.subarray(0, 1_000), etag)
    for (const fields of wrong) {
      it.answer = (response) => void response.writeHead(206, fields as never).end('x')
      const download = receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, join(folder, 'file'))
      await expect(download).rejects.toMatchObject({ code: 'ERR_CONTENT_RANGE' })
      expect((await readFile(join(folder, 'file.part'))).length).toBe(1_000)
    }
    // Fewer bytes than the range has, which no length reveals.
    it.answer = (response) => {
      response.writeHead(206, { 'content-range': 'bytes 1000-399999/400000' })
      response.write('x')
      response.end()
    }
    const short = receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, join(folder, 'file'))
    await expect(short).rejects.toMatchObject({ code: 'ERR_CONTENT_RANGE' })
  })

  it('416: complete if the length matches the partial file, otherwise from the beginning', async () => {
    const { port, requests } = await server({ handler: ranges({ fields: { etag } }) })
    await leave(port, BYTES, etag)
    const path = join(folder, 'file')
    const complete = await receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, path)
    expect([complete.response.status, complete.resumedBytes, requests.length]).toEqual([416, 400_000, 1])
    expect((await readFile(path)).equals(BYTES)).toBe(true)
    await leave(port, Buffer.concat([BYTES, BYTES]), etag)
    const again = await receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, path)
    expect([again.response.status, again.resumedBytes, again.bytes]).toEqual([200, 0, 400_000])
    expect((await readFile(path)).equals(BYTES)).toBe(true)
    expect(await readdir(folder)).toEqual(['file'])
  })

  it('a weak validator does not allow resuming, and nothing is kept', async () => {
    for (const fields of [{ etag: 'W/"one"' }, { 'last-modified': new Date().toUTCString() }, {}]) {
      const { port } = await server({ handler: ranges({ fields: fields as never, breakAt: 100_000 }) })
      const download = receiveFile(client(speaking(protocol)), { url: url(port), resume: true }, join(folder, 'file'))
      await expect(download).rejects.toMatchObject({ processed: 'yes' })
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('any other status is an error, and an existing file stays', async () => {
    const { port } = await server()
    await leave(port, 'a part', etag, '/status/503')
    for (const resume of [true, false]) {
      const options = { url: url(port, '/status/503'), resume }
      await expect(receiveFile(client(speaking(protocol)), options, join(folder, 'file'))).rejects.toMatchObject({
        code: 'ERR_UNEXPECTED_STATUS',
      })
    }
    expect((await readdir(folder)).sort()).toEqual(['file.part', 'file.part.json'])
  })

  it('an abort, or an error of the progress callback, ends the download', async () => {
    const { handler, left } = watching(endless)
    const { port } = await server({ handler })
    const failure = new Error('enough')
    const onProgress = ({ transferredBytes }: TransferProgress): void => {
      if (transferredBytes > 0) throw failure
    }
    await expect(receiveFile(client(speaking(protocol)), { url: url(port), onProgress }, join(folder, 'file'))).rejects.toBe(
      failure,
    )
    expect(await left).toEqual(leaving(protocol))
    const abort = new AbortController()
    const reason = new Error('changed my mind')
    const stop = { url: url(port), signal: abort.signal, onProgress: () => abort.abort(reason) }
    await expect(receiveFile(client(speaking(protocol)), stop, join(folder, 'file'))).rejects.toBe(reason)
    expect(await readdir(folder)).toEqual([])
    expect(await openFiles()).toBe(0)
  })

  /** Creates the leftovers of an earlier attempt. */
  async function leave(port: number, part: string | Uint8Array, validator: string, path = '/'): Promise<void> {
    await writeFile(join(folder, 'file.part'), part)
    const { dev, ino } = await stat(join(folder, 'file.part'))
    const note = { url: url(port, path), validator, file: `${dev}:${ino}` }
    await writeFile(join(folder, 'file.part.json'), JSON.stringify(note))
  }
})

describe.each(PROTOCOLS)('content that the server stores encoded, over %s', (protocol) => {
  const content = gzipSync(BYTES)
  const coded =
    (coding: string): OriginHandler =>
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': content.length, etag: '"x"' })
      response.end(content)
    }
  const path = (): string => join(folder, 'file')

  it('is written as it is sent, and the result names the coding', async () => {
    const { port } = await server({ handler: coded('gzip') })
    const received = await receiveFile(client(speaking(protocol)), { url: url(port) }, path())
    expect(received).toMatchObject({ bytes: content.length, contentEncoding: 'gzip' })
    expect((await readFile(path())).equals(content)).toBe(true)
    const plain = await server({ handler: (_request, response) => void response.end('plain') })
    expect((await receiveFile(client(speaking(protocol)), { url: url(plain.port) }, path())).contentEncoding).toBeUndefined()
  })

  it('is decoded with the option decode', async () => {
    const { port } = await server({ handler: coded('gzip') })
    const seen: TransferProgress[] = []
    const options = {
      url: url(port),
      decode: true,
      resume: true,
      onProgress: (progress: TransferProgress) => void seen.push(progress),
    }
    const received = await receiveFile(client(speaking(protocol)), options, path())
    expect(received).toMatchObject({ bytes: BYTES.length, contentEncoding: undefined })
    expect((await readFile(path())).equals(BYTES)).toBe(true)
    expect(seen.at(-1)).toEqual({ transferredBytes: BYTES.length, totalBytes: undefined })
  })

  it('an unknown coding, or content that does not match its coding, is an error, and no file is left', async () => {
    for (const handler of [
      coded('lunch'),
      ((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('this is not gzip')) as OriginHandler,
    ]) {
      const { port } = await server({ handler })
      const failing = receiveFile(client(speaking(protocol)), { url: url(port), decode: true }, path())
      await expect(failing).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_DECODE' })
    }
    expect(await readdir(folder)).toEqual([])
    expect(await openFiles()).toBe(0)
  })
})

it('user-supplied range and if-range fields are refused', async () => {
  const options = { url: 'https://a.test.example/', headers: { Range: 'bytes=0-1' } }
  await expect(receiveFile(client(), options, join(folder, 'file'))).rejects.toMatchObject({ code: 'ERR_FORBIDDEN_FIELD' })
})

it('a path that is not a regular file is refused and left unchanged', async () => {
  const { port, requests } = await server()
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [folder, pipe, '/dev/null', '']) {
    for (const resume of [false, true]) {
      const failing = receiveFile(client(), { url: url(port), resume }, path)
      await expect(failing).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining(path) })
    }
  }
  expect((await stat(pipe)).isFIFO()).toBe(true)
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  expect(await readdir(folder)).toEqual(['pipe'])
  expect(requests).toHaveLength(0)
})

describe('files that another user may have put in place of the partial file', () => {
  const etag = '"one"'
  const part = (): string => join(folder, 'file.part')
  const note = (): string => join(folder, 'file.part.json')

  async function download(resume: boolean, more: Partial<Representation> = {}) {
    const { port, requests } = await server({ handler: ranges({ fields: { etag }, ...more }) })
    return { requests, received: receiveFile(client(), { url: url(port), resume }, join(folder, 'file')), port }
  }

  /** An interrupted download and its server. */
  async function broken() {
    const it: Representation = { fields: { etag }, breakAt: 100_000 }
    const { port, requests } = await server({ handler: ranges(it) })
    const one = client()
    const again = () => receiveFile(one, { url: url(port), resume: true }, join(folder, 'file'))
    await expect(again()).rejects.toMatchObject({ processed: 'yes' })
    it.breakAt = undefined
    return { again, requests }
  }

  it.each(['file.part', 'file.part.json'])('a symbolic link at %s is not followed', async (name) => {
    const victim = join(folder, 'victim')
    await writeFile(victim, 'precious')
    await symlink(victim, join(folder, name))
    await (await download(true)).received
    expect(await readFile(victim, 'utf8')).toBe('precious')
    expect((await readFile(join(folder, 'file'))).equals(BYTES)).toBe(true)
    expect((await readdir(folder)).sort()).toEqual(['file', 'victim'])
  })

  it('a partial file whose metadata was not written by an attempt is not resumed', async () => {
    const { port, requests } = await server({ handler: ranges({ fields: { etag } }) })
    await writeFile(part(), 'x'.repeat(1_000))
    await writeFile(note(), JSON.stringify({ url: url(port), validator: etag }))
    await receiveFile(client(), { url: url(port), resume: true }, join(folder, 'file'))
    expect(requests[0]!.headers).not.toHaveProperty('range')
    expect((await readFile(join(folder, 'file'))).equals(BYTES)).toBe(true)
  })

  it.each<[string, () => Promise<void>]>([
    ['written to since', async () => writeFile(part(), 'x'.repeat(100_000))],
    [
      'replaced by another file',
      async () => {
        await writeFile(`${part()}.new`, 'x'.repeat(1_000))
        await rename(`${part()}.new`, part())
      },
    ],
    ['linked under another name as well', async () => link(part(), join(folder, 'other'))],
    [
      'replaced by a symbolic link to itself',
      async () => {
        await rename(part(), join(folder, 'other'))
        await symlink(join(folder, 'other'), part())
      },
    ],
    [
      'replaced by a pipe',
      async () => {
        await rm(part())
        execFileSync('mkfifo', [part()])
      },
    ],
    [
      'with a pipe as metadata file',
      async () => {
        await rm(note())
        execFileSync('mkfifo', [note()])
      },
    ],
  ])('a partial file that was %s is not resumed', async (_what, change) => {
    const { again, requests } = await broken()
    await change()
    const { resumedBytes } = await again()
    expect([resumedBytes, requests.at(-1)!.headers.range]).toEqual([0, undefined])
    expect((await readFile(join(folder, 'file'))).equals(BYTES)).toBe(true)
    expect(await openFiles()).toBe(0)
  })

  it.each([0o600, 0o640, 0o755])('the file keeps the permissions of the one it replaces: %o', async (mode) => {
    await writeFile(join(folder, 'file'), 'old')
    await chmod(join(folder, 'file'), mode)
    const { again } = await broken()
    expect((await stat(part())).mode & 0o777 & ~mode).toBe(0)
    await again()
    expect((await stat(join(folder, 'file'))).mode & 0o777).toBe(mode)
    await (await download(false)).received
    expect((await stat(join(folder, 'file'))).mode & 0o777).toBe(mode)
  })
})
