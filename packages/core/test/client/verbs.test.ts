/** `client.get()` and the other verbs: what they send, and what they refuse. */

import type { VerbOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

interface Inspected {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: { readonly length: number; readonly text?: string }
}

async function inspecting() {
  let content = ''
  const origin = await server({
    handler: (request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => void parts.push(part))
      request.on('end', () => {
        content = Buffer.concat(parts).toString()
        response.end(JSON.stringify({ method: request.method, path: request.url, headers: request.headers }))
      })
    },
  })
  const client = createClient()
  return { client, url: `${origin.url('a.test.example')}/path`, content: () => content }
}

it.each(['get', 'post', 'put', 'patch', 'delete', 'query'] as const)(
  '%s sends its method and answers with the response',
  async (verb) => {
    const { client, url } = await inspecting()
    const response = await client[verb](url)
    expect(((await response.json()) as Inspected).method).toBe(verb.toUpperCase())
  },
)

it('head has no content', async () => {
  const { client, url } = await inspecting()
  const response = await client.head(url)
  expect([response.status, await response.text()]).toEqual([200, ''])
})

it('verbs follow redirects unless told otherwise', async () => {
  const origin = await server({
    handler: (request, response) => {
      if (request.url === '/to') return void response.end('there')
      response.writeHead(302, { location: '/to' })
      response.end()
    },
  })
  const client = createClient()
  expect(await (await client.get(origin.url('a.test.example'))).text()).toBe('there')
  expect((await client.get(origin.url('a.test.example'), { redirect: 'manual' })).status).toBe(302)
})

it('json is serialized, with its type unless the caller sets one', async () => {
  const { client, url, content } = await inspecting()
  const { headers } = (await (await client.post(url, { json: { a: [1, 'ü'] } })).json()) as Inspected
  expect([headers['content-type'], content()]).toEqual(['application/json', '{"a":[1,"ü"]}'])
  const own = (await (
    await client.post(url, { json: null, headers: { 'Content-Type': 'application/merge-patch+json' } })
  ).json()) as Inspected
  expect([own.headers['content-type'], content()]).toEqual(['application/merge-patch+json', 'null'])
})

it('a form is encoded, lists repeat the name, undefined is omitted', async () => {
  const { client, url, content } = await inspecting()
  const { headers } = (await (await client.post(url, { form: { a: 'x y', b: [1, true], c: undefined } })).json()) as Inspected
  expect([headers['content-type'], content()]).toEqual(['application/x-www-form-urlencoded', 'a=x+y&b=1&b=true'])
})

it('searchParams are added to the query', async () => {
  const { client, url } = await inspecting()
  const path = async (suffix: string, searchParams: NonNullable<VerbOptions['searchParams']>): Promise<string> =>
    ((await (await client.get(`${url}${suffix}`, { searchParams })).json()) as Inspected).path
  expect(await path('', { q: 'a b', page: 2 })).toBe('/path?q=a+b&page=2')
  expect(await path('?x=1', { y: '2' })).toBe('/path?x=1&y=2')
  expect(await path('?x=1#fragment', new URLSearchParams('y=2'))).toBe('/path?x=1&y=2')
  expect(await path('?', { y: 2 })).toBe('/path?y=2')
  expect(await path('?x=1', {})).toBe('/path?x=1')
})

it('auth is Basic, in UTF-8 (RFC 7617 §2.1)', async () => {
  const { client, url } = await inspecting()
  const { headers } = (await (await client.get(url, { auth: { username: 'test', password: '123£' } })).json()) as Inspected
  expect(headers['authorization']).toBe('Basic dGVzdDoxMjPCow==')
})

describe('multipart', () => {
  it('sends a FormData', async () => {
    const { client, url, content } = await inspecting()
    const form = new FormData()
    form.append('a', '1')
    form.append('file', new Blob(['content'], { type: 'text/plain' }), 'f.txt')
    const { headers } = (await (await client.post(url, { multipart: form })).json()) as Inspected
    expect(headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(content()).toContain('name="file"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n')
  })

  it('sends parts with fields of their own', async () => {
    const { client, url, content } = await inspecting()
    const multipart = [
      { name: 'meta', content: '{}', headers: { 'Content-Type': 'application/json', 'Content-Language': 'en' } },
      { name: 'bytes', content: Buffer.from('raw'), filename: 'a"b.bin' },
      { name: 'blob', content: new Blob(['x'], { type: 'image/png' }) },
    ]
    await (await client.post(url, { multipart })).json()
    const boundary = content().slice(2, content().indexOf('\r\n'))
    expect(content().replaceAll(boundary, 'B')).toBe(
      [
        '--B\r\nContent-Disposition: form-data; name="meta"\r\ncontent-type: application/json\r\ncontent-language: en\r\n\r\n{}\r\n',
        '--B\r\nContent-Disposition: form-data; name="bytes"; filename="a%22b.bin"\r\n\r\nraw\r\n',
        '--B\r\nContent-Disposition: form-data; name="blob"; filename="blob"\r\nContent-Type: image/png\r\n\r\nx\r\n--B--\r\n',
      ].join(''),
    )
  })

  it.each<[string, unknown, string]>([
    ['text', 'a=b', 'ERR_INVALID_OPTION'],
    ['a part without content', [{ name: 'a' }], 'ERR_INVALID_BODY'],
    ['a part without a name', [{ content: 'a' }], 'ERR_INVALID_BODY'],
    ['a field with a line end', [{ name: 'a', content: 'b', headers: { 'x-a': 'b\r\nc: d' } }], 'ERR_INVALID_FIELD_VALUE'],
    ['a field name with a space', [{ name: 'a', content: 'b', headers: { 'x a': 'b' } }], 'ERR_INVALID_FIELD_NAME'],
  ])('refuses %s', async (_what, multipart, code) => {
    await expect(createClient().post('https://a.test.example/', { multipart } as never)).rejects.toMatchObject({ code })
  })
})

it.each<[string, object, string]>([
  ['an unknown option', { jsn: 1 }, 'ERR_UNKNOWN_OPTION'],
  ['two bodies', { json: 1, form: {} }, 'ERR_INVALID_OPTION'],
  ['a body and a form', { body: 'x', form: {} }, 'ERR_INVALID_OPTION'],
  ['JSON of a function', { json: () => 1 }, 'ERR_INVALID_BODY'],
  ['JSON with a circle', { json: circle() }, 'ERR_INVALID_BODY'],
  ['a list as form', { form: [1] }, 'ERR_INVALID_OPTION'],
  ['an object in a form', { form: { a: {} } }, 'ERR_INVALID_OPTION'],
  ['text as searchParams', { searchParams: 'a=b' }, 'ERR_INVALID_OPTION'],
  ['a colon in the username', { auth: { username: 'a:b', password: '' } }, 'ERR_INVALID_OPTION'],
  ['a line end in the password', { auth: { username: 'a', password: 'b\r\n' } }, 'ERR_INVALID_OPTION'],
  ['a method', { method: 'PUT' }, 'ERR_UNKNOWN_OPTION'],
  ['an internal member', { totalSince: 1 }, 'ERR_UNKNOWN_OPTION'],
])('refuses %s', async (_what, options, code) => {
  await expect(createClient().post('https://a.test.example/', options as never)).rejects.toMatchObject({
    name: 'UsageError',
    code,
  })
})

function circle(): object {
  const object: { own?: object } = {}
  object.own = object
  return object
}

it('requestAll takes URLs too', async () => {
  const { client, url } = await inspecting()
  const results = await client.requestAll([url, new URL(url), { url, method: 'PUT' }, 'nonsense'])
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value.status : result.reason.code))).toEqual([
    200,
    200,
    200,
    'ERR_INVALID_URL',
  ])
})

describe('maxBodyBytes', () => {
  const sized = async (bytes: number, withLength: boolean) => {
    let closed = false
    const origin = await server({
      handler: (_request, response) => {
        response.on('close', () => {
          closed = true
        })
        if (withLength) response.setHeader('content-length', bytes)
        const chunk = Buffer.alloc(1_000, 'x')
        for (let sent = 0; sent < bytes; sent += chunk.length)
          response.write(chunk.subarray(0, Math.min(chunk.length, bytes - sent)))
        response.end()
      },
    })
    return { url: `${origin.url('a.test.example')}/`, closed: () => closed }
  }

  it.each(['bytes', 'text', 'json', 'arrayBuffer'] as const)('%s of a body over the limit fails', async (method) => {
    for (const withLength of [true, false]) {
      const { url } = await sized(20_000, withLength)
      const response = await createClient({ maxBodyBytes: 10_000 }).get(url)
      await expect(response[method]()).rejects.toMatchObject({
        name: 'ResponseError',
        code: 'ERR_BODY_TOO_LARGE',
        message: expect.stringContaining('10000 bytes'),
      })
    }
  })

  it('a body of exactly the limit is read, and the request wins over the client', async () => {
    const { url } = await sized(10_000, true)
    const client = createClient({ maxBodyBytes: 100 })
    expect((await (await client.get(url, { maxBodyBytes: 10_000 })).bytes()).length).toBe(10_000)
    await expect((await client.get(url)).bytes()).rejects.toMatchObject({ code: 'ERR_BODY_TOO_LARGE' })
    expect((await (await client.get(url, { maxBodyBytes: Number.POSITIVE_INFINITY })).bytes()).length).toBe(10_000)
  })

  it('does not limit a body that is read in parts, nor the length of a HEAD response', async () => {
    const { url } = await sized(20_000, true)
    const client = createClient({ maxBodyBytes: 10 })
    let bytes = 0
    for await (const part of (await client.get(url)).body) bytes += part.length
    expect(bytes).toBe(20_000)
    expect(await (await client.head(url)).text()).toBe('')
  })

  it('the connection serves the next request', async () => {
    const { url } = await sized(5_000_000, false)
    const client = createClient()
    await expect((await client.get(url, { maxBodyBytes: 10 })).text()).rejects.toMatchObject({ code: 'ERR_BODY_TOO_LARGE' })
    expect((await client.get(url)).status).toBe(200)
    expect(client.stats().totals.dials).toBe(1)
  })

  it.each([-1, 1.5, '10', Number.NaN])('refuses %p', async (maxBodyBytes) => {
    expect(() => createClient({ maxBodyBytes } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }))
    await expect(createClient().get('https://a.test.example/', { maxBodyBytes } as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_OPTION',
    })
  })
})
