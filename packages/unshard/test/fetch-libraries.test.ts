/**
 * Libraries that take a `fetch`, or use the global one, add members to `init`: none of them may
 * affect our fetch.
 */

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import axios from 'axios'
import ky from 'ky'
import { createFetch as createOfetch } from 'ofetch'
import { createClient, createFetch, type Fetch } from 'unshard'

let server: Server
let base: string
let requests: string[]
let failures: number
let fetch: Fetch
const client = createClient()

beforeEach(async () => {
  requests = []
  failures = 0
  fetch = createFetch(client)
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (failures-- > 0) response.writeHead(503, { 'retry-after': '0' }).end('later')
    else response.setHeader('content-type', 'application/json').end('{"ok":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => server.close())
afterAll(() => client.close())

describe('ofetch', () => {
  it.each([0, false, 2] as const)('its own retry option has no effect on our fetch: %p', async (retry) => {
    const $fetch = createOfetch({ fetch: fetch as typeof globalThis.fetch })
    expect(await $fetch(`${base}/a`, { retry, timeout: 5_000 })).toEqual({ ok: true })
    expect(requests).toEqual(['GET /a'])
  })

  it('retries after a 503 by itself, with its own members in init', async () => {
    failures = 1
    const $fetch = createOfetch({ fetch: fetch as typeof globalThis.fetch })
    expect(await $fetch('/b', { baseURL: base, retry: 1, retryDelay: 1, query: { q: 1 } })).toEqual({ ok: true })
    expect(requests).toEqual(['GET /b?q=1', 'GET /b?q=1'])
  })

  it('sends a body', async () => {
    const $fetch = createOfetch({ fetch: fetch as typeof globalThis.fetch })
    expect(await $fetch('/c', { baseURL: base, method: 'POST', body: { a: 1 } })).toEqual({ ok: true })
    expect(requests).toEqual(['POST /c'])
  })
})

describe('ky', () => {
  it('retries by its own rules over our fetch', async () => {
    failures = 1
    const api = ky.create({
      fetch: fetch as typeof globalThis.fetch,
      prefixUrl: base,
      retry: { limit: 2, delay: () => 1 },
      timeout: 5_000,
    })
    expect(await api.get('d').json()).toEqual({ ok: true })
    expect(await api.post('e', { json: { a: 1 }, retry: 0 }).json()).toEqual({ ok: true })
    expect(requests).toEqual(['GET /d', 'GET /d', 'POST /e'])
  })
})

describe('axios with its fetch adapter', () => {
  it('reads and writes', async () => {
    const api = axios.create({ baseURL: base, adapter: 'fetch', timeout: 5_000, env: { fetch: fetch as never } } as never)
    expect((await api.get('/f')).data).toEqual({ ok: true })
    expect((await api.post('/g', { a: 1 })).data).toEqual({ ok: true })
    expect(requests).toEqual(['GET /f', 'POST /g'])
  })
})
