/** The resolver fails or changes its answer while hosts share an open connection. */

import { FakeClock, startOriginServer } from '@unshard/testkit'
import type { ClientOptions } from '../../src/index.js'
import { testEnvironment } from '../environment.js'

const environment = testEnvironment()
const HOSTS = ['a.test.example', 'b.test.example', 'c.test.example']

async function shared(answer: () => string | Error | undefined, options: ClientOptions = {}) {
  const origin = await startOriginServer({ tls: await environment.authority.issue({ names: ['*.test.example'] }) })
  environment.defer(() => origin.close())
  const clock = new FakeClock(1)
  const client = environment.client({
    clock,
    idleTimeoutMs: 0,
    verifyAfterIdleMs: 0,
    ...options,
    lookup: (_host, _options, callback) => {
      const what = answer()
      if (what instanceof Error) process.nextTick(callback, what)
      else if (what !== undefined) process.nextTick(callback, null, [{ address: what, family: 4 }])
    },
  })
  const get = async (host: string): Promise<string> => (await client.request({ url: `https://${host}:${origin.port}/` })).text()
  for (const host of HOSTS) await get(host)
  expect(client.stats().totals).toMatchObject({ dials: 1, coalesced: 2 })
  return { client, clock, get, origin }
}

const failure = (code: string): Error => Object.assign(new Error(code), { code })

it.each([['EAI_AGAIN'], ['ESERVFAIL'], ['no answer']])('%s: the hosts keep sharing it for an hour', async (outage) => {
  let answer: string | Error | undefined = '127.0.0.1'
  const { client, clock, get } = await shared(() => answer)
  answer = outage === 'no answer' ? undefined : failure(outage)
  for (let minutes = 0; minutes < 50; minutes += 10) {
    clock.advance(600_000)
    for (const host of HOSTS) {
      const got = get(host)
      // Time that a request waits for the resolver while there is an old answer.
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      clock.advance(1_800)
      expect(await got).toBeTruthy()
    }
  }
  expect(client.stats().totals.dials).toBe(1)
})

it('a client that resolves every time keeps sharing it, too', async () => {
  let answer: string | Error = '127.0.0.1'
  const { client, clock, get } = await shared(() => answer, { lookupTtlMs: 0 })
  answer = failure('EAI_AGAIN')
  for (let minutes = 0; minutes < 50; minutes += 10) {
    clock.advance(600_000)
    for (const host of HOSTS) expect(await get(host)).toBeTruthy()
  }
  expect(client.stats().totals.dials).toBe(1)
})

it('NXDOMAIN ends the sharing: the name no longer exists', async () => {
  let answer: string | Error = '127.0.0.1'
  const { clock, get } = await shared(() => answer)
  answer = failure('ENOTFOUND')
  clock.advance(60_000)
  await expect(get('b.test.example')).rejects.toMatchObject({ name: 'ConnectError', phase: 'resolve', code: 'ENOTFOUND' })
})

it('another address ends the sharing: the request goes to the new address', async () => {
  let answer: string | Error = '127.0.0.1'
  const { clock, get } = await shared(() => answer)
  answer = '127.0.0.9'
  clock.advance(60_000)
  // Nothing listens at that address.
  await expect(get('b.test.example')).rejects.toMatchObject({ name: 'ConnectError', phase: 'tcp' })
})
