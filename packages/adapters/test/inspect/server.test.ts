/** The server of `inspect()`: who gets an answer, and with which fields. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { mockClient } from '@unshard/core/testing'
import { type Inspection, inspect } from '../../src/inspect/index.js'
import { dataOf, Follower, get } from './fixture.js'

let inspection: Inspection
beforeEach(async () => {
  inspection = await inspect(undefined, { title: 'My program' })
})
afterEach(() => inspection.close())

it('listens on 127.0.0.1, on a port of the system, under a token of 192 bits', async () => {
  const { url, port } = inspection
  expect(url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/[\\w-]{32}/$`))
  await using other = await inspect()
  expect(other.url.slice(-33)).not.toBe(url.slice(-33))
})

it('serves the page, which loads nothing, with a strict policy', async () => {
  const { status, headers, text } = await get(inspection.url)
  expect(status).toBe(200)
  expect(dataOf(text)).toEqual({
    title: 'My program',
    creator: `process ${process.pid}`,
    entries: [],
    notes: [],
    events: 'events',
  })
  expect(headers).toMatchObject({
    ...{
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
    ...{ 'content-type': 'text/html; charset=utf-8', 'cross-origin-resource-policy': 'same-origin' },
  })
  const policy = headers['content-security-policy']!.toString()
  for (const part of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
    expect(policy).toContain(part)
  expect(policy).not.toMatch(/unsafe|\*/)
})

it('answers HEAD without content', async () => {
  const { status, text, headers } = await get(inspection.url, { method: 'HEAD' })
  expect([status, text]).toEqual([200, ''])
  expect(Number(headers['content-length'])).toBeGreaterThan(1000)
  expect(await get(`${inspection.url}events`, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
})

it.each([['/'], ['/favicon.ico'], ['/events'], ['/x/'], ['/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/'], ['//']])(
  'without the token, %s is not found',
  async (path) => {
    const { status, headers } = await get(`http://127.0.0.1:${inspection.port}${path}`)
    expect([status, headers['content-security-policy']]).toEqual([404, "default-src 'none'; frame-ancestors 'none'"])
  },
)

it.each(['nothing', 'events/more', '../', '%2e%2e/', 'events%00'])('with the token, %s is not found', async (path) => {
  const { status } = await get('http://127.0.0.1', { port: inspection.port, path: `${new URL(inspection.url).pathname}${path}` })
  expect(status).toBe(404)
})

it('refuses names that are not those of this machine, against DNS rebinding', async () => {
  const { url, port } = inspection
  const statusFor = async (host: string) => (await get(url, { headers: { host } })).status
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
    expect(await statusFor(host)).toBe(200)
  const others = [
    'attacker.example',
    `attacker.example:${port}`,
    'localhost',
    `localhost:${port + 1}`,
    `127.0.0.1.nip.example:${port}`,
  ]
  for (const host of [...others, `localhost:${port}@attacker.example`]) expect(await statusFor(host)).toBe(403)
})

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('refuses the method %s', async (method) => {
  expect(await get(inspection.url, { method })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
})

it('at most ten pages are open at once', async () => {
  const followers = Array.from({ length: 10 }, () => new Follower(inspection.url))
  await Promise.all(followers.map((follower) => follower.until(({ updates }) => updates.length > 0)))
  expect(await get(`${inspection.url}events`)).toMatchObject({ status: 503 })
  for (const follower of followers) follower.close()
})

it('close() ends the events of all pages, frees the port, and may be called twice', async () => {
  const follower = new Follower(inspection.url)
  await follower.until(({ updates }) => updates.length > 0)
  const { port } = inspection
  const ended = follower.until(({ hasEnded }) => hasEnded)
  expect(inspection.close()).toBe(inspection.close())
  await inspection.close()
  await ended
  await using again = await inspect(undefined, { port })
  expect(again.port).toBe(port)
})

it('a port that is in use is an error of the call, and leaves no subscription', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await expect(inspect(undefined, { port })).rejects.toMatchObject({
    ...{ name: 'UsageError', code: 'ERR_INSPECT_LISTEN', cause: { code: 'EADDRINUSE' } },
    message: expect.stringContaining(`cannot listen on 127.0.0.1:${port}`),
  })
  server.close()
})

it.each([
  [{ ports: 1 }, 'ERR_UNKNOWN_OPTION'],
  [{ port: 70_000 }, 'ERR_INVALID_OPTION'],
  [{ maxEntries: 0 }, 'ERR_INVALID_OPTION'],
  [{ title: 1 }, 'ERR_INVALID_OPTION'],
  [{ keepProcess: 1 }, 'ERR_INVALID_OPTION'],
  [{ redact: { field: [] } }, 'ERR_UNKNOWN_OPTION'],
])('refuses the options %j', async (options, code) => {
  await expect(inspect(undefined, options as object)).rejects.toMatchObject({ code })
})

it('refuses anything that is not a client', async () => {
  await expect(inspect({} as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  const { client } = mockClient(() => ({}))
  await (await inspect(client)).close()
})
