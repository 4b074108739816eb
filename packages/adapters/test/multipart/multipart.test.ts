/** Multipart responses (RFC 2046 §5.1): whole, truncated, and with slow readers. */

import type { ProtocolName } from '@unshard/core'
import type { OriginHandler } from '@unshard/testkit'
import { parseDisposition } from '../../src/multipart/disposition.js'
import { multipart } from '../../src/multipart/index.js'
import { testEnvironment } from '../environment.js'

const { server, fetch, client } = testEnvironment()

const answer =
  (content: string | Buffer, type = 'multipart/mixed; boundary=b'): OriginHandler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': type })
    response.end(content)
  }

const lines = (...text: string[]): string => text.join('\r\n')
const two = lines(
  'preamble',
  '--b',
  'Content-Type: text/plain',
  'X-Two: 1',
  'x-two: 2',
  '',
  'first',
  '--b',
  '',
  'second',
  '',
  '--b--',
  'epilogue',
)

describe.each<ProtocolName>(['h2', 'http/1.1'])('over %s', (protocol) => {
  const get = async (handler: OriginHandler) => {
    const { port } = await server({ protocols: [protocol], handler })
    return await fetch()(`https://a.test.example:${port}/`)
  }

  it('returns the parts with their fields, in order', async () => {
    const seen: unknown[] = []
    for await (const part of multipart(await get(answer(two)))) seen.push([[...part.headers], await part.text()])
    expect(seen).toEqual([
      [
        [
          ['content-type', 'text/plain'],
          ['x-two', '1'],
          ['x-two', '2'],
        ],
        'first',
      ],
      [[], 'second\r\n'],
    ])
  })

  it('accepts a response of client.request, and leaving the loop ends the response', async () => {
    const { port } = await server({ protocols: [protocol], handler: answer(two) })
    const one = client()
    const ask = () => one.request({ url: `https://a.test.example:${port}/` })
    const seen: string[] = []
    for await (const part of multipart(await ask())) seen.push(await part.text())
    expect(seen).toEqual(['first', 'second\r\n'])
    const response = await ask()
    for await (const part of multipart(response)) {
      expect(await part.text()).toBe('first')
      break
    }
    expect(response.bodyUsed).toBe(true)
    await expect(multipart(response).next()).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_BODY_USED' })
    await one.close()
  })

  it('a response of client.request that is not multipart keeps its content', async () => {
    const { port } = await server({ protocols: [protocol], handler: answer('text', 'text/plain') })
    const response = await client().request({ url: `https://a.test.example:${port}/` })
    await expect(multipart(response).next()).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_MULTIPART' })
    expect(await response.text()).toBe('text')
  })

  it.each([71, 1_000, 60_000])(
    'a boundary of %i characters is refused, and the response ends (RFC 2046 §5.1.1)',
    async (length) => {
      const boundary = 'b'.repeat(length)
      const ended: Promise<void>[] = []
      const { port } = await server({
        protocols: [protocol],
        handler(_request, response) {
          ended.push(new Promise((resolve) => response.once('close', resolve)))
          response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${boundary}` })
          response.write(`--${boundary}\r\n\r\nfirst`)
        },
      })
      const url = `https://a.test.example:${port}/`
      const refused = { name: 'ResponseError', code: 'ERR_MULTIPART', message: expect.stringMatching(/^.{1,200}$/) }
      await expect(multipart(await fetch()(url)).next()).rejects.toMatchObject(refused)
      await expect((await fetch()(url)).multipart().next()).rejects.toMatchObject(refused)
      await expect(multipart(await client().request({ url })).next()).rejects.toMatchObject(refused)
      await Promise.all(ended)
    },
  )

  it('returns the same parts if the content arrives one byte at a time', async () => {
    const response = await get((_request, response) => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary="b"' })
      const octets = [...Buffer.from(two)]
      const next = (): void => {
        const byte = octets.shift()
        if (byte === undefined) return void response.end()
        response.write(Buffer.from([byte]), () => setImmediate(next))
      }
      next()
    })
    const seen: string[] = []
    for await (const part of multipart(response)) seen.push(await part.text())
    expect(seen).toEqual(['first', 'second\r\n'])
  })

  it('empty parts, and content without parts', async () => {
    const texts = async (content: string): Promise<string[]> => {
      const seen: string[] = []
      for await (const part of multipart(await get(answer(content)))) seen.push(await part.text())
      return seen
    }
    expect(await texts(lines('--b', 'a: 1', '', '', '--b', 'b: 2', '', 'x', '--b', 'c: 3', '', '', '--b--'))).toEqual([
      '',
      'x',
      '',
    ])
    expect(await texts('--b--\r\n')).toEqual([])
  })

  it('skips unread content', async () => {
    const big = lines('--b', '', 'x'.repeat(1_000_000), '--b', '', 'y'.repeat(1_000_000), '--b', 'name: last', '', 'z', '--b--')
    const names: (string | undefined)[] = []
    for await (const part of multipart(await get(answer(big)))) {
      if (names.length === 1) for await (const _chunk of part.body) break
      names.push(part.headers.get('name'))
    }
    expect(names).toEqual([undefined, undefined, 'last'])
  })

  it('a reader that stops holds the sender back, while other requests continue', async () => {
    let written = 0
    const chunk = Buffer.alloc(65_536, 'x')
    const response = await get((_request, response) => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
      response.write('--b\r\n\r\n')
      const more = (): void => {
        while (written < 64_000_000) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', more)
        }
        response.end('\r\n--b--')
      }
      more()
    })
    for await (const part of multipart(response)) {
      const body = part.body
      await body.next()
      // Everything sent so far has arrived once a whole other exchange has finished.
      for (let i = 0; i < 5; i++) await (await get(answer(two))).text()
      expect(written).toBeLessThan(32_000_000)
      let rest = 0
      for await (const bytes of body) rest += bytes.length
      expect(rest).toBeGreaterThan(60_000_000)
    }
  })

  it('content that ends before its last boundary is an error, both for the truncated part and for the next one', async () => {
    const cut = lines('--b', '', 'whole', '--b', '', 'cut off')
    const parts = multipart(await get(answer(cut)))
    expect(await ((await parts.next()).value as { text(): Promise<string> }).text()).toBe('whole')
    const second = (await parts.next()).value as { text(): Promise<string> }
    await expect(second.text()).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_MULTIPART' })
    await expect(parts.next()).rejects.toMatchObject({ code: 'ERR_MULTIPART' })
    await expect(multipart(await get(answer(''))).next()).rejects.toMatchObject({ code: 'ERR_MULTIPART' })
  })

  it('the part being read fails with the error of the lost connection', async () => {
    const response = await get((_request, response) => {
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
      response.write('--b\r\n\r\nbegun', () => setImmediate(() => response.stream?.close(2) ?? response.socket?.destroy()))
    })
    const parts = multipart(response)
    const { value } = await parts.next()
    await expect((value as { text(): Promise<string> }).text()).rejects.toMatchObject({
      name: 'TypeError',
      message: 'terminated',
    })
    await expect(parts.next()).rejects.toMatchObject({ message: 'terminated' })
  })

  it('leaving the loop ends the response, and a part that was kept fails with the reason', async () => {
    let closed!: () => void
    const ended = new Promise<void>((resolve) => {
      closed = resolve
    })
    const response = await get((_request, response) => {
      response.once('close', closed)
      response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=b' })
      response.write('--b\r\n\r\nbegun')
    })
    let kept: { text(): Promise<string> } | undefined
    for await (const part of multipart(response)) {
      kept = part
      break
    }
    await ended
    await expect(kept!.text()).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_BODY_CANCELLED' })
  })

  it('a part can be read only once', async () => {
    const parts = multipart(await get(answer(two)))
    const { value } = await parts.next()
    const part = value as { text(): Promise<string>; readonly body: unknown }
    await part.text()
    expect(() => part.body).toThrow(expect.objectContaining({ code: 'ERR_BODY_USED' }))
    await parts.return()
  })

  it('the connection is reused after the last part, whatever follows the last boundary', async () => {
    const response = await get(answer(Buffer.concat([Buffer.from(two), Buffer.alloc(1_000_000)])))
    const seen: string[] = []
    for await (const part of multipart(response)) seen.push(await part.text())
    expect(seen).toHaveLength(2)
  })

  it.each(['text/plain', 'multipart/mixed', 'multipart/mixed; boundary=', 'text/plain; boundary=b', 'nothing'])(
    'content of type %s is not multipart',
    async (type) => {
      const parts = multipart(await get(answer(two, type)))
      await expect(parts.next()).rejects.toMatchObject({ name: 'ResponseError', code: 'ERR_MULTIPART' })
    },
  )

  it('a file name with backslashes is the same as in formData()', async () => {
    const names = ['C:\\dir\\file.txt', 'dir\\', '\\\\server\\share', 'a\\%22b']
    const parts = names.map((name) => `--b\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\nx\r\n`)
    const type = 'multipart/form-data; boundary=b'
    const content = `${parts.join('')}--b--\r\n`
    const seen: unknown[] = []
    for await (const part of multipart(await get(answer(content, type)))) {
      seen.push(part.filename)
      await part.bytes()
    }
    const form = await (await get(answer(content, type))).formData()
    expect(seen).toEqual(form.getAll('f').map((file) => (file as File).name))
    expect(seen).toEqual(['C:\\dir\\file.txt', 'dir\\', '\\\\server\\share', 'a\\"b'])
  })

  it('form data has names and file names', async () => {
    const form = new FormData()
    form.append('söme "name"\r\n', 'value')
    form.append('file', new File(['content'], 'ä%22".txt', { type: 'text/x-test' }))
    const made = new Response(form)
    const bytes = Buffer.from(await made.arrayBuffer())
    const seen: unknown[] = []
    for await (const part of multipart(await get(answer(bytes, made.headers.get('content-type')!)))) {
      seen.push([part.name, part.filename, part.headers.get('content-type'), await part.text()])
    }
    expect(seen[0]).toEqual(['söme "name"\r\n', undefined, undefined, 'value'])
    expect(seen[1]).toEqual(['file', expect.stringMatching(/^ä(%22|")"\.txt$/), 'text/x-test', 'content'])
  })
})

it.each([
  [undefined, undefined, undefined],
  ['form-data; name=a', 'a', undefined],
  ['form-data; name="\xc3\xa4"; filename*=UTF-8\'\'%e2%82%ac.txt', 'ä', '€.txt'],
  ['form-data; name="\xe4"', 'ä', undefined],
  ['form-data; name="a%0D%0Ab"', 'a\r\nb', undefined],
  ['form-data; name="unclosed', undefined, undefined],
  ['form-data; name="f"; filename="C:\\dir\\file.txt"', 'f', 'C:\\dir\\file.txt'],
  ['form-data; filename="dir\\"; name="f"', 'f', 'dir\\'],
  ['form-data; name="f"; filename="dir\\"', 'f', 'dir\\'],
  ['form-data; name="a\\b"; filename="say \\"hello\\" now.txt"', 'a\\b', 'say "hello" now.txt'],
  ['form-data; name="f"; filename="\\\\server\\share"', 'f', '\\\\server\\share'],
  [`form-data; name="${'a'.repeat(20_000)}"`, undefined, undefined],
])('content-disposition %j', (value, name, filename) => {
  expect(parseDisposition(value)).toEqual({ name, filename })
})
