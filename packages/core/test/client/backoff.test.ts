/** The pause after failed dials: few dials to a dead server, and requests that fail at once, or wait if the caller wants. */

import { createServer, type Server } from 'node:net'
import { FakeClock, type OriginServer } from '@unshard/testkit'
import type { Client, ClientOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server } = clientFixture()

const turn = (): Promise<void> => new Promise(setImmediate)

/** A port where nothing listens. */
async function deadPort(): Promise<number> {
  const listener: Server = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as { port: number }
  await new Promise((resolve) => listener.close(resolve))
  return port
}

async function failing(
  options: ClientOptions = {},
): Promise<{ client: Client; clock: FakeClock; url: string; port: number; fail(): Promise<Error> }> {
  const port = await deadPort()
  const clock = new FakeClock()
  const client = createClient({ clock, ...options })
  const url = `https://a.test.example:${port}/`
  const fail = (): Promise<Error> =>
    client.request({ url }).then(
      () => {
        throw new Error('answered')
      },
      (error: Error) => error,
    )
  return { client, clock, url, port, fail }
}

const dials = (client: Client): number => client.stats().totals.dials

it('30 requests to a dead server are two dials', async () => {
  const { client, fail } = await failing()
  for (let i = 0; i < 30; i++) expect(await fail()).toMatchObject({ name: 'ConnectError', code: 'ECONNREFUSED', processed: 'no' })
  expect(dials(client)).toBe(2)
})

it('the error during the pause is that of the dial, and says when the next one is', async () => {
  const { fail, port } = await failing()
  await fail()
  const [first, second] = [await fail(), await fail()]
  expect(second).toMatchObject({ code: 'ECONNREFUSED', phase: 'tcp', origin: `https://a.test.example:${port}`, processed: 'no' })
  expect(second.message).toMatch(/; the next dial is in \d+ ms \(https:\/\/a\.test\.example:\d+\)$/)
  expect(second.cause).toBe(first.cause)
})

it('the pause is about 500 ms, and doubles up to 10 s', async () => {
  const { client, clock, fail } = await failing()
  await fail()
  const pauses: number[] = []
  for (let i = 2; i <= 9; i++) {
    await fail()
    expect(dials(client)).toBe(i)
    let passed = 0
    for (; dials(client) === i; passed += 50) {
      clock.advance(50)
      await fail()
    }
    pauses.push(passed)
    // The dial that ended the pause is the next failure.
    if (i < 9) expect(dials(client)).toBe(i + 1)
  }
  for (const [i, expected] of [500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000].entries()) {
    expect(pauses[i]).toBeGreaterThanOrEqual(expected * 0.8 - 50)
    expect(pauses[i]).toBeLessThanOrEqual(expected * 1.2 + 50)
  }
}, 30_000)

it('a connection ends the pause, and a later failure starts with 500 ms again', async () => {
  const { client, clock, port, url, fail } = await failing()
  for (const pauseMs of [0, 0, 600]) {
    clock.advance(pauseMs)
    await fail()
  }
  const origin: OriginServer = await server({ port, protocols: ['h2'] })
  clock.advance(1_200)
  await (await client.request({ url })).text()
  await origin.close()
  while (client.stats().connections.length > 0) await turn()
  const before = dials(client)
  for (let i = 0; i < 5; i++) await fail()
  expect(dials(client)).toBe(before + 2)
  clock.advance(600)
  await fail()
  expect(dials(client)).toBe(before + 3)
})

it('requests that wait get the connection of the next dial', async () => {
  const { client, clock, port, url, fail } = await failing({ reconnectBackoff: { wait: true } })
  await fail()
  await fail()
  const waiting = Promise.all([client.request({ url }), client.request({ url }), client.warm([`https://a.test.example:${port}`])])
  waiting.catch(() => undefined)
  await turn()
  expect(dials(client)).toBe(2)
  const origin = await server({ port, protocols: ['h2'] })
  clock.advance(600)
  const [first, second, [warmed]] = await waiting
  expect([first.status, second.status, warmed?.error]).toEqual([200, 200, undefined])
  expect([dials(client), origin.connections]).toEqual([3, 1])
  await Promise.all([first.text(), second.text()])
})

it('a request that waits ends with its connect deadline', async () => {
  const { client, clock, url, fail } = await failing({ reconnectBackoff: { wait: true, baseMs: 60_000, maxMs: 60_000 } })
  await fail()
  await fail()
  const request = client.request({ url, timeouts: { connect: 2_000 } })
  request.catch(() => undefined)
  for (let i = 0; i < 30; i++) {
    clock.advance(100)
    await turn()
  }
  await expect(request).rejects.toMatchObject({ name: 'TimeoutError', phase: 'connect', processed: 'no' })
  expect(dials(client)).toBe(2)
})

it('one failed dial causes no pause, and neither do two that are far apart', async () => {
  const { client, clock, fail } = await failing()
  for (let i = 1; i <= 3; i++) {
    await fail()
    expect(dials(client)).toBe(i)
    clock.advance(11_000)
  }
})

it('false dials for every request', async () => {
  const { client, fail } = await failing({ reconnectBackoff: false })
  for (let i = 0; i < 5; i++) await fail()
  expect(dials(client)).toBe(5)
})

it('another origin and another isolation are dialed', async () => {
  const { client, port, fail, url } = await failing()
  await fail()
  await fail()
  await expect(client.request({ url: `https://b.test.example:${port}/` })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(client.request({ url, isolation: 'other' })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  expect(dials(client)).toBe(4)
})

it('a name that cannot be resolved is looked up for every request', async () => {
  let lookups = 0
  const client = createClient({
    lookup: (_host, _options, callback) => {
      lookups++
      callback(Object.assign(new Error('none'), { code: 'ENOTFOUND' }), [])
    },
  })
  for (let i = 0; i < 3; i++)
    await expect(client.request({ url: 'https://x.test.example/' })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  expect(lookups).toBe(3)
})

it.each([true, 500, { baseMs: 0 }, { maxMs: 'x' }, { wait: 1 }, { delay: 1 }])('refuses %j', (reconnectBackoff) => {
  expect(() => createClient({ reconnectBackoff } as never)).toThrow(expect.objectContaining({ name: 'UsageError' }))
})
