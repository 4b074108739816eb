/** `warm` with a policy that requires confirmed connections. */

import { FakeClock, frames, staticLookup } from '@unshard/testkit'
import { testEnvironment } from '../environment.js'

const { client, peer, tls } = testEnvironment()
const NAMES = { 'a.test.example': '127.0.0.1', 'b.test.example': '127.0.0.1' }

it('warm resolves when SETTINGS have arrived: another host of the certificate need not wait', async () => {
  let sendSettings!: () => void
  const asked = new Promise<void>((resolve) => {
    sendSettings = resolve
  })
  const scripted = await peer(
    async (p) => {
      await p.preface()
      await asked
      p.send(frames.settings({}))
      await new Promise(() => undefined)
    },
    { tls: await tls('a.test.example', 'b.test.example') },
  )
  const one = client({ lookup: staticLookup(NAMES) })
  const [a, b] = ['a', 'b'].map((name) => `https://${name}.test.example:${scripted.port}`)
  let isWarm = false
  const warming = one.warm([a!]).then((results) => {
    isWarm = true
    return results
  })
  while (one.stats().connections.length === 0) await new Promise(setImmediate)
  expect((await one.explain(b!)).action).toBe('wait')
  expect(isWarm).toBe(false)
  sendSettings()
  expect(await warming).toMatchObject([{ origin: a, connection: { protocol: 'h2' } }])
  expect(await one.explain(b!)).toMatchObject({ action: 'use', connection: { coalesced: true } })
})

it('late SETTINGS delay warm by at most timeouts.connect', async () => {
  const scripted = await peer((p) => p.preface().then(() => new Promise<never>(() => undefined)), {
    tls: await tls('a.test.example'),
  })
  const clock = new FakeClock()
  const one = client({ lookup: staticLookup(NAMES), clock, timeouts: { connect: 3_000 } })
  const warming = one.warm([`https://a.test.example:${scripted.port}`])
  while (one.stats().connections.length === 0) await new Promise(setImmediate)
  await new Promise(setImmediate)
  clock.advance(3_000)
  expect(await warming).toMatchObject([{ connection: { protocol: 'h2' } }])
})

it('warm accepts the isolation of the pool', async () => {
  const scripted = await peer((p) => p.handshake(), { tls: await tls('a.test.example') })
  const one = client({ lookup: staticLookup(NAMES) })
  const origin = `https://a.test.example:${scripted.port}`
  await one.warm([origin], { isolation: 'x' })
  expect(one.pools.find(origin)).toBeUndefined()
  expect(one.pools.find(origin, 'x')).toMatchObject({ connections: [expect.any(Number)] })
})
