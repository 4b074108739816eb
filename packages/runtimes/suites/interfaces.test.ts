/** fetch, install(), streams, event streams, files and undici's dispatcher over one client. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createFetch,
  Dispatcher,
  install,
  openDuplex,
  openWebDuplex,
  pipeline,
  pull,
  receiveFile,
  sendFile,
  uninstall,
} from 'unshard'
import { readEvents } from 'unshard/events'
import { useServers } from './fixture.js'

const servers = useServers()
const url = (path: string, host = 'h0'): string => `https://${host}.wild.example:${servers.report.wild}${path}`
const IS_NODE = process.versions['bun'] === undefined && process.versions['deno'] === undefined

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unshard-runtimes-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('fetch', () => {
  it('returns a response of the platform, with its connection', async () => {
    const response = await createFetch(servers.client())(url('/json'))
    expect(response.connection?.protocol).toBe('h2')
    expect(response).toBeInstanceOf(Response)
    expect(await response.json()).toEqual({ message: 'hello', list: [1, 2, 3] })
  })

  it.each(['gzip', 'deflate', 'br'])('decodes %s', async (coding) => {
    const response = await createFetch(servers.client())(url(`/${coding}`))
    expect(await response.text()).toBe('unsharded '.repeat(400))
  })

  it('follows a redirect', async () => {
    const response = await createFetch(servers.client())(url('/redirect/302?to=/json'))
    expect([response.redirected, response.url]).toEqual([true, url('/json')])
    await response.text()
  })

  it('takes a Request, with a stream as content', async () => {
    const stream = new Blob(['one ', 'two']).stream()
    const request = new Request(url('/echo'), { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
    expect(await (await createFetch(servers.client())(request)).text()).toBe('one two')
  })

  it('sends and reads forms', async () => {
    const form = new FormData()
    form.set('name', 'välue')
    form.set('file', new File(['content'], 'name.txt', { type: 'text/plain' }))
    const response = await createFetch(servers.client())(url('/echo'), { method: 'POST', body: form })
    const echoed = await response.formData()
    expect([echoed.get('name'), await (echoed.get('file') as File).text()]).toEqual(['välue', 'content'])
  })

  it('aborts', async () => {
    const response = await createFetch(servers.client())(url('/slow'), { signal: AbortSignal.timeout(200) })
    await expect(response.text()).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('streams content and can be canceled', async () => {
    const response = await createFetch(servers.client())(url('/bytes/1000000'))
    const reader = response.body!.getReader()
    expect((await reader.read()).value?.length).toBeGreaterThan(0)
    await reader.cancel()
  })
})

it('install() replaces the global fetch, and uninstall() restores it', async () => {
  const before = globalThis.fetch
  install(createFetch(servers.client()))
  try {
    const responses = await Promise.all(['h0', 'h1', 'h2'].map((host) => globalThis.fetch(url('/', host))))
    expect(new Set(responses.map(({ headers }) => headers.get('x-connection'))).size).toBe(1)
    await Promise.all(responses.map((response) => response.text()))
  } finally {
    uninstall()
  }
  expect(globalThis.fetch).toBe(before)
})

describe('streams', () => {
  it('openDuplex sends and receives at the same time', async () => {
    const { duplex, response } = openDuplex(servers.client(), { url: url('/echo') })
    duplex.write('ping')
    const parts: string[] = []
    for await (const part of duplex) {
      parts.push(String(part))
      duplex.end()
    }
    expect([parts, (await response).status]).toEqual([['ping'], 200])
  })

  it('openWebDuplex does so with web streams', async () => {
    const { readable, writable } = openWebDuplex(servers.client(), { url: url('/echo') })
    const writer = writable.getWriter()
    await writer.write('hello')
    await writer.close()
    expect(await new Response(readable).text()).toBe('hello')
  })

  it('pull returns the events of a response', async () => {
    const types: string[] = []
    for await (const { type } of pull(servers.client(), { url: url('/trailers') })) types.push(type)
    expect(types).toEqual(['headers', 'data', 'trailers'])
  })

  it('pipeline moves content from a source into a sink', async () => {
    let text = ''
    const sink = new WritableStream<Uint8Array>({
      write(part) {
        text += new TextDecoder().decode(part)
      },
    })
    await pipeline(servers.client(), { url: url('/echo') }, ['one ', 'two'], sink)
    expect(text).toBe('one two')
  })

  it('files are sent and received', async () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')]
    await writeFile(from, Buffer.alloc(300_000, 'x'))
    const client = servers.client()
    const sent = await sendFile(client, from, { url: url('/inspect') })
    expect(((await sent.json()) as { body: { length: number } }).body.length).toBe(300_000)
    const { bytes } = await receiveFile(client, { url: url('/bytes/100000') }, to)
    expect([bytes, (await readFile(to)).length]).toEqual([100_000, 100_000])
  })
})

it('events of a server are read', async () => {
  const response = await servers.client().request({ url: url('/events') })
  const data: string[] = []
  for await (const event of readEvents(response)) data.push(event.data)
  expect(data).toEqual(['one', 'two'])
})

describe('undici', () => {
  it('request() over a dispatcher', async () => {
    const { request } = await import('undici')
    const dispatcher = new Dispatcher({ client: servers.client() })
    const { statusCode, body } = await request(url('/json'), { dispatcher: dispatcher as never })
    expect([statusCode, await body.json()]).toEqual([200, { message: 'hello', list: [1, 2, 3] }])
  })

  it('fetch() over a dispatcher', async () => {
    const { fetch } = await import('undici')
    const dispatcher = new Dispatcher({ client: servers.client() })
    const response = await fetch(url('/echo'), { method: 'POST', body: 'content', dispatcher: dispatcher as never })
    expect(await response.text()).toBe('content')
  })

  // Other runtimes have a fetch that takes no dispatcher.
  const onNode = IS_NODE ? it : it.skip
  onNode('the fetch of Node.js over a dispatcher', async () => {
    const dispatcher = new Dispatcher({ client: servers.client() })
    const response = await globalThis.fetch(url('/json'), { dispatcher } as unknown as RequestInit)
    expect(await response.json()).toEqual({ message: 'hello', list: [1, 2, 3] })
  })
})
