import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { runInNewContext } from 'node:vm'
import { Client } from '@unshard/core'
import { FormData as NpmFormData, Headers as NpmHeaders, Request as NpmRequest } from 'undici'
import type { FetchInit, Progress } from '../../src/index.js'
import { fetchFixtures, type Inspected, PROTOCOLS } from './fixtures.js'

const fixture = fetchFixtures()
const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** A look-alike of the platform's class, as in another copy of an implementation. */
class ForeignBlob {
  readonly #text: string
  readonly type = 'text/x'
  readonly name = 'foreign.txt'
  constructor(text: string) {
    this.#text = text
  }
  get size(): number {
    return Buffer.byteLength(this.#text)
  }
  stream(): ReadableStream {
    return new Blob([this.#text]).stream() as ReadableStream
  }
  get [Symbol.toStringTag](): string {
    return 'File'
  }
}

describe.each(PROTOCOLS)('request bodies over %s (Fetch standard §5.2)', (protocol) => {
  const inspect = async (init: FetchInit | undefined, input?: (url: string) => Request): Promise<Inspected> => {
    const { fetch, url } = await fixture(protocol)
    const target = url('/inspect')
    return (await (await fetch(input?.(target) ?? target, { method: 'POST', ...init })).json()) as Inspected
  }

  it('memory is copied: later changes by the caller are not sent', async () => {
    const { fetch, url } = await fixture(protocol)
    for (const content of [Buffer.alloc(200_000, 1), Buffer.alloc(200_000, 1).buffer, new DataView(new ArrayBuffer(10))]) {
      const bytes = ArrayBuffer.isView(content)
        ? Buffer.from(content.buffer, content.byteOffset, content.byteLength)
        : Buffer.from(content)
      const expected = sha256(bytes)
      const sending = fetch(url('/inspect'), { method: 'POST', body: content as never })
      bytes.fill(2)
      expect(((await (await sending).json()) as Inspected).body.sha256).toBe(expected)
    }
  })

  it('objects of other realms and of other copies of a class are recognized by their brand', async () => {
    const view = runInNewContext('new Uint8Array([1, 2, 3])') as Uint8Array
    expect((await inspect({ body: view as never })).body.sha256).toBe(sha256(Buffer.from([1, 2, 3])))
    const buffer = runInNewContext('new Uint8Array([1, 2, 3]).buffer') as ArrayBuffer
    expect((await inspect({ body: buffer })).body.sha256).toBe(sha256(Buffer.from([1, 2, 3])))
    const blob = await inspect({ body: new ForeignBlob('välue') as never })
    expect(blob).toMatchObject({
      body: { sha256: sha256('välue') },
      headers: { 'content-type': 'text/x', 'content-length': '6' },
    })
    const form = new NpmFormData()
    form.set('a', 'b')
    expect((await inspect({ body: form as never })).headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    const headers = new NpmHeaders({ 'x-a': '1' })
    const request = (url: string): Request => new NpmRequest(url, { method: 'PUT', body: 'text', headers }) as never
    expect(await inspect({ method: 'PUT' }, request)).toMatchObject({
      method: 'PUT',
      headers: { 'x-a': '1' },
      body: { sha256: sha256('text') },
    })
  })

  it('a Request’s content has a length and is sent again after a redirect; content it streams later is streamed', async () => {
    const { fetch, url } = await fixture(protocol)
    const request = new Request(url(`/redirect/307?to=${encodeURIComponent('/inspect')}`), {
      method: 'POST',
      body: 'x'.repeat(100_000),
    })
    const seen = (await (await fetch(request)).json()) as Inspected
    expect(seen).toMatchObject({ method: 'POST', headers: { 'content-length': '100000' }, body: { length: 100_000 } })
    expect(request.bodyUsed).toBe(true)
    await expect(fetch(request)).rejects.toMatchObject({ name: 'TypeError' })

    const large = new Request(url('/inspect'), { method: 'POST', body: Buffer.alloc(5_000_000) })
    expect(((await (await fetch(large)).json()) as Inspected).headers['content-length']).toBe('5000000')
    const nodeBody = {
      [Symbol.toStringTag]: 'Request',
      url: url('/inspect'),
      method: 'PUT',
      headers: {},
      body: Readable.from(['text']),
    }
    expect(((await (await fetch(nodeBody as never)).json()) as Inspected).body.sha256).toBe(sha256('text'))

    let controller!: ReadableStreamDefaultController
    const body = new ReadableStream({
      start(given) {
        controller = given
      },
    })
    controller.enqueue(Buffer.from('one '))
    const { fetch: other, url: at, origin } = await fixture(protocol)
    const sending = other(new Request(at('/echo'), { method: 'POST', body: body as never, duplex: 'half' }))
    await origin.delivered(1)
    controller.enqueue(Buffer.from('two'))
    controller.close()
    expect(await (await sending).text()).toBe('one two')
    expect(origin.requests[0]?.headers).not.toHaveProperty('content-length')
  })

  it('multipart: names and file names are escaped, line ends are CRLF, the length is known (RFC 7578)', async () => {
    const form = new FormData()
    form.set('a"b\r\nc', 'one\ntwo\rthree\r\nfour')
    form.append('list', '1')
    form.append('list', '2')
    form.set('file', new File([Buffer.alloc(200_000, 7)], 'x"y\nz.bin', { type: 'a/b' }))
    form.set('untyped', new Blob(['blob']))
    const { fetch, url, origin } = await fixture(protocol)
    const response = await fetch(url('/echo'), { method: 'POST', body: form })
    const text = await response.clone().text()
    expect(Number(origin.requests[0]!.headers['content-length'])).toBe(text.length)
    expect(text).toContain('name="a%22b%0D%0Ac"\r\n\r\none\r\ntwo\r\nthree\r\nfour\r\n')
    expect(text).toContain('name="file"; filename="x%22y%0Az.bin"\r\nContent-Type: a/b\r\n\r\n')
    expect(text).toContain('name="untyped"; filename="blob"\r\nContent-Type: application/octet-stream\r\n\r\nblob\r\n')
    const back = await response.formData()
    expect(back.getAll('list')).toEqual(['1', '2'])
    expect((back.get('file') as File).size).toBe(200_000)
    const foreign = {
      [Symbol.toStringTag]: 'FormData',
      *[Symbol.iterator]() {
        yield ['file', new ForeignBlob('välue')]
      },
    }
    const seen = await inspect({ body: foreign as never })
    expect(Number(seen.headers['content-length'])).toBe(seen.body.length)
  })

  it.each(['text/plain\r\nx-forged: 1', 'text/plain\r\n\r\nforged', 'a\0b', 'ä', '', 5])(
    'multipart: a type of %j, which only a File look-alike can have, adds no lines',
    async (type) => {
      const { encodeForm } = await import('@unshard/core/internal')
      const file = Object.assign(new ForeignBlob('content'), { type, name: 'a\r\nb"' })
      const form = encodeForm([['file', file]] as never)
      let text = ''
      for await (const part of form.body as AsyncIterable<Uint8Array>) text += Buffer.from(part).toString()
      const head =
        'content-disposition: form-data; name="file"; filename="a%0d%0ab%22"\r\ncontent-type: application/octet-stream\r\n\r\n'
      expect(text.toLowerCase()).toContain(`\r\n${head}content\r\n--`)
      expect(text).not.toContain('forged')
    },
  )

  it('a boundary has at least 96 unpredictable bits (CVE-2025-22150, I04)', async () => {
    const { encodeForm } = await import('@unshard/core/internal')
    const boundaries = Array.from({ length: 1_000 }, () => encodeForm(new FormData()).type.split('boundary=----unshard')[1]!)
    expect(new Set(boundaries).size).toBe(1_000)
    for (const boundary of boundaries) expect(boundary).toMatch(/^[A-Za-z0-9_-]{24}$/)
  })

  it('upload progress is reported as the connection takes the content, up to its end', async () => {
    const { fetch, url } = await fixture(protocol)
    for (const [body, total] of [
      ['x'.repeat(300_000), 300_000],
      [new Blob(['x'.repeat(300_000)]), 300_000],
      [Readable.from([Buffer.alloc(100), Buffer.alloc(200)]), undefined],
      ['', 0],
    ] as const) {
      const seen: Progress[] = []
      const report = (progress: Progress): void => void seen.push(progress)
      const response = await fetch(url('/inspect'), {
        method: 'POST',
        body: body as never,
        duplex: 'half',
        unshard: { onUploadProgress: report },
      })
      const { length } = ((await response.json()) as Inspected).body
      expect(seen.at(-1)).toEqual({ bytes: length, total })
      expect(seen.map(({ bytes }) => bytes)).toEqual(seen.map(({ bytes }) => bytes).sort((a, b) => a - b))
      if (total === 300_000) expect(seen.length).toBeGreaterThan(2)
    }
    await expect(
      fetch(url('/inspect'), {
        method: 'POST',
        body: 'text',
        unshard: {
          onUploadProgress: () => {
            throw new Error('enough')
          },
        },
      }),
    ).rejects.toMatchObject({ name: 'TypeError', cause: { cause: { message: 'enough' } } })
  })

  it('a transferred buffer is empty, as in Web IDL: "get a copy of the buffer source"', async () => {
    const { fetch, url } = await fixture(protocol)
    const client = new Client()
    const views = [
      (buffer: ArrayBuffer) => buffer,
      (buffer: ArrayBuffer) => new Uint8Array(buffer, 1, 3),
      (buffer: ArrayBuffer) => new Uint16Array(buffer),
      (buffer: ArrayBuffer) => new DataView(buffer, 2),
    ]
    for (const view of views) {
      const buffer = new ArrayBuffer(8)
      const body = view(buffer)
      structuredClone(buffer, { transfer: [buffer] })
      const { body: seen } = (await (await fetch(url('/inspect'), { method: 'POST', body })).json()) as Inspected
      expect(seen.length).toBe(0)
      // An invalid request is refused before it is sent: here, only because of the name.
      await expect(client.request({ url: 'http://nowhere.invalid/', method: 'POST', body })).rejects.toMatchObject({
        phase: 'resolve',
      })
    }
    client.destroy()
  })

  it('a stream that is not sent is cancelled with the reason', async () => {
    const { fetch, url } = await fixture(protocol)
    const reason = new Error('why')
    const cancelled: unknown[] = []
    const body = (): ReadableStream => new ReadableStream({ cancel: (given) => void cancelled.push(given) }) as never
    const init = (): FetchInit => ({ method: 'POST', body: body(), duplex: 'half', signal: AbortSignal.abort(reason) })
    await expect(fetch(url(), init())).rejects.toBe(reason)
    const request = new Request(url(), { method: 'POST', body: body() as never, duplex: 'half' })
    await expect(fetch(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(request.bodyUsed).toBe(true)
    const stream = Readable.from(['x'])
    await expect(fetch(url(), { ...init(), body: stream })).rejects.toBe(reason)
    await once(stream, 'close')
    expect(cancelled[0]).toBe(reason)
  })
})
