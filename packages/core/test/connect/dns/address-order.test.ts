import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'
import { FakeClock, staticLookup } from '@unshard/testkit'
import { AddressMemory } from '../../../src/connect/dns/address-order.js'
import type { Address } from '../../../src/transport/route.js'
import { clientFixture } from '../../client/fixture.js'

const world = clientFixture()
const { client, server, defer } = world
const at = (...addresses: string[]): Address[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
const names = (addresses: readonly Address[]): string[] => addresses.map(({ address }) => address)

const FOUR = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
const SIX = ['2001:db8::1', '2001:db8::2']

describe('AddressMemory', () => {
  const clock = new FakeClock(1)
  const order = (memory: AddressMemory, list: readonly string[], host = 'a.example', port = 443): string[] =>
    names(memory.order(host, port, at(...list)))

  it('has no preference at first: families alternate', () => {
    expect(order(new AddressMemory(clock), [...SIX, ...FOUR])).toEqual([SIX[0], FOUR[0], SIX[1], FOUR[1], FOUR[2]])
  })

  it('an address that failed is tried after the others of its name, of either family, and is not dropped', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, SIX[0]!, 'ECONNREFUSED')
    memory.failed(443, FOUR[1]!, 'ETIMEDOUT')
    expect(order(memory, [...SIX, ...FOUR])).toEqual([SIX[1], FOUR[0], FOUR[2], SIX[0], FOUR[1]])
    expect(order(memory, [FOUR[1]!])).toEqual([FOUR[1]])
  })

  it('the same address with another port is another server', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, FOUR[0]!, 'ECONNREFUSED')
    expect(order(memory, FOUR, 'a.example', 8_443)).toEqual(FOUR)
    expect(order(memory, FOUR, 'b.example')).toEqual([FOUR[1], FOUR[2], FOUR[0]])
  })

  it.each(['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'EINVAL', undefined])('%s does not count against the address', (code) => {
    const memory = new AddressMemory(clock)
    memory.failed(443, FOUR[0]!, code)
    expect(order(memory, FOUR)).toEqual(FOUR)
  })

  it('the last successful address comes first, for its name only; after a failure it comes last', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, FOUR[2]!, 'ECONNREFUSED')
    memory.won('a.example', 443, FOUR[2]!)
    expect(order(memory, [...SIX, ...FOUR])).toEqual([FOUR[2], SIX[0], FOUR[0], SIX[1], FOUR[1]])
    expect(order(memory, FOUR, 'b.example')).toEqual(FOUR)
    memory.failed(443, FOUR[2]!, 'EHOSTUNREACH')
    expect(order(memory, FOUR)).toEqual(FOUR)
    memory.won('a.example', 443, FOUR[1]!)
    memory.forget('a.example', 443)
    expect(order(memory, FOUR)).toEqual(FOUR)
  })

  it('the preferred address is not added to a DNS answer without it', () => {
    const memory = new AddressMemory(clock)
    memory.won('a.example', 443, FOUR[2]!)
    expect(order(memory, [FOUR[0]!, FOUR[1]!])).toEqual([FOUR[0], FOUR[1]])
  })

  it('a failure is remembered for half a minute, a success for ten minutes', () => {
    const time = new FakeClock(1)
    const memory = new AddressMemory(time)
    memory.failed(443, FOUR[0]!, 'ECONNREFUSED')
    memory.won('a.example', 443, FOUR[2]!)
    time.advance(30_001)
    expect(order(memory, FOUR)).toEqual([FOUR[2], FOUR[0], FOUR[1]])
    time.advance(570_000)
    expect(order(memory, FOUR)).toEqual(FOUR)
  })
})

describe('a client', () => {
  const lookup = (...addresses: string[]) => staticLookup({ 'a.test.example': addresses })

  it('refused by the first address, tries the second at once, and prefers it next time', async () => {
    const origin = await server({ protocols: ['h2'] })
    const answers = lookup('127.0.0.2', '127.0.0.1')
    const one = client({ lookup: answers, lookupTtlMs: 0 })
    const seen: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const response = await one.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      seen.push(response.connection.remoteAddress)
      await response.text()
      // From now on the first address has a listener too, and could be connected to.
      if (i === 0) await server({ protocols: ['h2'], address: '127.0.0.2', port: origin.port })
    }
    expect(seen).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(origin.connections).toBe(2)
  })

  it('whose first address drops every SYN tries the second after 250 ms, and prefers it from then on', async () => {
    const hole = await blackHole('127.0.0.2')
    const origin = await server({ protocols: ['h2'], port: hole })
    const one = client({ lookup: lookup('127.0.0.2', '127.0.0.1') })
    const took: number[] = []
    for (let i = 0; i < 2; i++) {
      const startedAt = performance.now()
      const response = await one.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      took.push(performance.now() - startedAt)
      expect(response.connection.remoteAddress).toBe('127.0.0.1')
      await response.text()
    }
    expect(took[0]).toBeGreaterThan(245)
    expect(took[1]).toBeLessThan(200)
  })

  it('whose deadline passes at an unresponsive address tries another one first next time', async () => {
    const hole = await blackHole('127.0.0.2')
    const clock = new FakeClock(1)
    const origin = await server({ protocols: ['h2'], port: hole })
    const answers = lookup('127.0.0.2')
    const one = client({ lookup: answers, lookupTtlMs: 0, clock, timeouts: { connect: 100 } })
    const tried = client({ lookup: answers, timeouts: { connect: 100 } }).request({ url: `${origin.url('a.test.example')}/` })
    await expect(tried).rejects.toMatchObject({ name: 'TimeoutError', phase: 'connect', processed: 'no' })
    const failing = one.warm([origin.url('a.test.example')])
    while (clock.pending < 1) await new Promise(setImmediate)
    await new Promise(setImmediate)
    clock.advance(101)
    expect((await failing)[0]!.error).toMatchObject({ name: 'TimeoutError', phase: 'connect' })
    answers.table['a.test.example'] = ['127.0.0.2', '127.0.0.1']
    // No time passes: if the unresponsive address were first, the second would not be tried.
    const [warmed] = await one.warm([origin.url('a.test.example')])
    expect(warmed!.connection!.remoteAddress).toBe('127.0.0.1')
  })
})

it('a connect deadline that passes while the process is busy does not end a dial that the server answers', async () => {
  const origin = await server({ protocols: ['h2'] })
  const one = client({ timeouts: { connect: 250 } })
  const asked = one.request({ url: `${origin.url('a.test.example')}/` })
  while (one.stats().totals.dials === 0) await new Promise(setImmediate)
  const until = performance.now() + 700
  while (performance.now() < until);
  expect((await asked).status).toBe(200)
  expect(one.stats().totals.dials).toBe(1)
})

/** A port of `address` with a full accept queue and no accept: the kernel drops every SYN. */
async function blackHole(address: string): Promise<number> {
  const reserved = createServer()
  await new Promise<void>((resolve) => reserved.listen(0, address, resolve))
  const { port } = reserved.address() as AddressInfo
  await new Promise((resolve) => reserved.close(resolve))
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
    require('node:net').createServer().listen({ ...workerData, backlog: 1 }, () => {
      parentPort.postMessage('listening')
      // Forever: the event loop that would accept is blocked.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })`,
    { eval: true, workerData: { host: address, port } },
  )
  defer(() => worker.terminate())
  await new Promise((resolve) => worker.once('message', resolve))
  for (let i = 0; i < 2; i++) {
    const filling: Socket = connect({ host: address, port }).on('error', () => undefined)
    defer(() => filling.destroy())
    await new Promise((resolve) => filling.once('connect', resolve))
  }
  return port
}
