/** The order in which the addresses of a host are tried. */

import { constants } from 'node:crypto'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createServer as createSecureServer } from 'node:tls'
import { Worker } from 'node:worker_threads'
import { FakeClock, staticLookup } from '@unshard/testkit'
import { AddressMemory } from '../../../src/connect/dns/address-order.js'
import { parseOrigin } from '../../../src/index.js'
import type { Address, Route } from '../../../src/transport/route.js'
import { clientFixture } from '../../client/fixture.js'
import { gate } from '../../hostile/fixture.js'

const fixture = clientFixture()
const { client: createClient, server, defer } = fixture
const at = (...addresses: string[]): Address[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
const names = (addresses: readonly Address[]): string[] => addresses.map(({ address }) => address)

const IPV4 = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
const IPV6 = ['2001:db8::1', '2001:db8::2']

describe('AddressMemory', () => {
  const clock = new FakeClock(1)
  const order = (memory: AddressMemory, list: readonly string[], host = 'a.example', port = 443): string[] =>
    names(memory.order(host, port, at(...list)))

  it('alternates between the families without a preference', () => {
    expect(order(new AddressMemory(clock), [...IPV6, ...IPV4])).toEqual([IPV6[0], IPV4[0], IPV6[1], IPV4[1], IPV4[2]])
  })

  it('tries a failed address after the other addresses of its host, of either family, and does not drop it', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, IPV6[0]!, 'ECONNREFUSED')
    memory.failed(443, IPV4[1]!, 'ETIMEDOUT')
    expect(order(memory, [...IPV6, ...IPV4])).toEqual([IPV6[1], IPV4[0], IPV4[2], IPV6[0], IPV4[1]])
    expect(order(memory, [IPV4[1]!])).toEqual([IPV4[1]])
  })

  it('tries the address first that failed longest ago, if all have failed, whatever order the answer has', () => {
    const memory = new AddressMemory(clock)
    for (const index of [1, 0, 2, 1]) memory.demote('a.example', 443, IPV4[index]!)
    expect(order(memory, IPV4)).toEqual([IPV4[0], IPV4[2], IPV4[1]])
  })

  it('treats the same address with another port as another server', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, IPV4[0]!, 'ECONNREFUSED')
    expect(order(memory, IPV4, 'a.example', 8_443)).toEqual(IPV4)
    expect(order(memory, IPV4, 'b.example')).toEqual([IPV4[1], IPV4[2], IPV4[0]])
  })

  it.each(['EADDRINUSE', 'EADDRNOTAVAIL', 'EMFILE', 'EINVAL', undefined])('does not count %s against the address', (code) => {
    const memory = new AddressMemory(clock)
    memory.failed(443, IPV4[0]!, code)
    expect(order(memory, IPV4)).toEqual(IPV4)
  })

  it('tries the last successful address first, for its host only, and last after a failure', () => {
    const memory = new AddressMemory(clock)
    memory.failed(443, IPV4[2]!, 'ECONNREFUSED')
    memory.won('a.example', 443, IPV4[2]!)
    expect(order(memory, [...IPV6, ...IPV4])).toEqual([IPV4[2], IPV6[0], IPV4[0], IPV6[1], IPV4[1]])
    expect(order(memory, IPV4, 'b.example')).toEqual(IPV4)
    memory.failed(443, IPV4[2]!, 'EHOSTUNREACH')
    expect(order(memory, IPV4)).toEqual(IPV4)
    memory.won('a.example', 443, IPV4[1]!)
    memory.forget('a.example', 443)
    expect(order(memory, IPV4)).toEqual(IPV4)
  })

  it('prefers others to an address that has served nothing on another connection since a dial began', () => {
    const memory = new AddressMemory(clock)
    const route = {
      origin: parseOrigin('https://a.example'),
      addresses: at(...IPV4),
      remoteAddress: IPV4[0],
    } as Partial<Route> as Route
    const others = (failuresBefore: number): string[] => names(memory.othersThan(route, failuresBefore))
    const before = memory.failures
    memory.failed(443, IPV4[0]!, 'ETIMEDOUT')
    memory.demote('a.example', 443, IPV4[0]!)
    expect(others(before)).toEqual([])
    memory.disproved('a.example', 443, IPV4[0]!)
    expect([others(before), others(memory.failures)]).toEqual([[IPV4[1], IPV4[2]], []])
    memory.won('a.example', 443, IPV4[2]!)
    expect(others(before)).toEqual([IPV4[2], IPV4[1]])
    for (const other of IPV4.slice(1)) memory.demote('a.example', 443, other)
    expect(others(before)).toEqual([])
    memory.won('a.example', 443, IPV4[0]!)
    expect(others(before)).toEqual([])
  })

  it('prefers an address that has answered to one that has only lost connections, for three losses in a row', () => {
    const memory = new AddressMemory(clock)
    const [good, bad, untried] = IPV4 as [string, string, string]
    memory.disproved('a.example', 443, bad)
    memory.won('a.example', 443, good)
    memory.answered(443, good)
    for (const again of [false, true, true]) memory.disproved('a.example', 443, good, again)
    expect(order(memory, [bad, good])).toEqual([good, bad])
    expect(order(memory, [bad, good, untried])).toEqual([untried, bad, good])
    expect([memory.isWorse(443, bad, good), memory.isWorse(443, good, bad)]).toEqual([true, true])
    for (let i = 0; i < 2; i++) memory.disproved('a.example', 443, good)
    expect(order(memory, [bad, good])).toEqual([bad, good])
    memory.answered(443, bad)
    expect([order(memory, [bad, good]), memory.isWorse(443, bad, good)]).toEqual([[bad, good], false])
  })

  it('tries an address that has only lost connections after those that have not, once one of these has answered', () => {
    const time = new FakeClock(1)
    const memory = new AddressMemory(time)
    const [bad, good, untried] = IPV4 as [string, string, string]
    memory.disproved('a.example', 443, bad)
    time.advance(30_001)
    expect(order(memory, [bad, good])).toEqual([bad, good])
    memory.answered(443, good)
    expect(order(memory, [bad, good, untried])).toEqual([good, untried, bad])
    memory.answered(443, bad)
    expect(order(memory, [bad, good, untried])).toEqual([bad, good, untried])
  })

  it('counts an address that served nothing last as worse than one that did before', () => {
    const memory = new AddressMemory(clock)
    memory.disproved('a.example', 443, IPV4[0]!)
    memory.disproved('a.example', 443, IPV4[1]!)
    expect([memory.isWorse(443, IPV4[1]!, IPV4[0]!), memory.isWorse(443, IPV4[0]!, IPV4[1]!)]).toEqual([true, false])
  })

  it('does not add the preferred address to a DNS answer without it', () => {
    const memory = new AddressMemory(clock)
    memory.won('a.example', 443, IPV4[2]!)
    expect(order(memory, [IPV4[0]!, IPV4[1]!])).toEqual([IPV4[0], IPV4[1]])
  })

  it('remembers a failure for 30 seconds, and a success for ten minutes', () => {
    const time = new FakeClock(1)
    const memory = new AddressMemory(time)
    memory.failed(443, IPV4[0]!, 'ECONNREFUSED')
    memory.won('a.example', 443, IPV4[2]!)
    time.advance(30_001)
    expect(order(memory, IPV4)).toEqual([IPV4[2], IPV4[0], IPV4[1]])
    time.advance(570_000)
    expect(order(memory, IPV4)).toEqual(IPV4)
  })
})

/**
 * An HTTP/1.1 server that serves its first connection, and then closes each with its first request.
 * Its third handshake waits for `proceed`.
 */
async function startIll(proceed: Promise<void>): Promise<{ port: number; paths: string[] }> {
  const { cert, key } = await fixture.tls()
  const paths: string[] = []
  let handshakes = 0
  const ill = createSecureServer({
    ...{ cert, key, ALPNProtocols: ['http/1.1'] },
    // Nothing is called for a handshake that resumes a session.
    secureOptions: constants.SSL_OP_NO_TICKET,
    SNICallback: (_name, done) => void (++handshakes === 3 ? proceed : Promise.resolve()).then(() => done(null)),
  })
  let connections = 0
  ill.on('secureConnection', (socket) => {
    const serves = ++connections === 1
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      paths.push(bytes.toString('latin1').split(' ')[1]!)
      if (serves) socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n')
      else socket.destroy()
    })
  })
  await new Promise<void>((resolve) => void ill.listen(0, '127.0.0.2', resolve))
  defer(() => ill.close())
  return { port: (ill.address() as AddressInfo).port, paths }
}

describe('a client', () => {
  const lookup = (...addresses: string[]) => staticLookup({ 'a.test.example': addresses })

  it('tries the second address at once after the first refused, and prefers it from then on', async () => {
    const origin = await server({ protocols: ['h2'] })
    const answers = lookup('127.0.0.2', '127.0.0.1')
    const client = createClient({ lookup: answers, lookupTtlMs: 0 })
    const addresses: unknown[] = []
    for (let i = 0; i < 2; i++) {
      const response = await client.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      addresses.push(response.connection.remoteAddress)
      await response.text()
      // From here on the first address has a listener too.
      if (i === 0) await server({ protocols: ['h2'], address: '127.0.0.2', port: origin.port })
    }
    expect(addresses).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(origin.connections).toBe(2)
  })

  it('does not use a second connection to an address that has just closed the first one without a response', async () => {
    const [replayed, second] = [gate(), gate()]
    const ill = await startIll(replayed.promise)
    const origin = await server({
      ...{ protocols: ['http/1.1'], address: '127.0.0.1', port: ill.port },
      // The replay of the first request ends after the second one, which must wait for its own connection.
      async handler({ url }, response) {
        if (url === '/two') second.open()
        response.write('part')
        if (url === '/one') await second.promise
        response.end()
      },
    })
    const client = createClient({ lookup: lookup('127.0.0.2', '127.0.0.1'), replay: 1 })
    const get = (path: string) => client.request({ url: `${origin.url('a.test.example')}${path}` })
    await get('/first')
    const first = get('/one').finally(() => replayed.open())
    const responses = await Promise.all([first, get('/two')])
    expect(responses.map(({ connection }) => connection.remoteAddress)).toEqual(['127.0.0.1', '127.0.0.1'])
    expect(ill.paths).toEqual(['/first', '/one'])
  })

  it('tries the second address after 250 ms if the first drops every SYN, and prefers it from then on', async () => {
    const hole = await blackHole('127.0.0.2')
    const origin = await server({ protocols: ['h2'], port: hole })
    const client = createClient({ lookup: lookup('127.0.0.2', '127.0.0.1') })
    const durationsMs: number[] = []
    for (let i = 0; i < 2; i++) {
      const startedAt = performance.now()
      const response = await client.request({ url: `${origin.url('a.test.example')}/`, headers: { connection: 'close' } })
      durationsMs.push(performance.now() - startedAt)
      expect(response.connection.remoteAddress).toBe('127.0.0.1')
      await response.text()
    }
    expect(durationsMs[0]).toBeGreaterThan(245)
    expect(durationsMs[1]).toBeLessThan(200)
  })

  it('tries another address first after its deadline passed at an unresponsive one', async () => {
    const hole = await blackHole('127.0.0.2')
    const clock = new FakeClock(1)
    const origin = await server({ protocols: ['h2'], port: hole })
    const answers = lookup('127.0.0.2')
    const client = createClient({ lookup: answers, lookupTtlMs: 0, clock, timeouts: { connect: 100 } })
    const firstFailing = createClient({ lookup: answers, timeouts: { connect: 100 } }).request({
      url: `${origin.url('a.test.example')}/`,
    })
    await expect(firstFailing).rejects.toMatchObject({ name: 'TimeoutError', phase: 'connect', processed: 'no' })
    const failing = client.warm([origin.url('a.test.example')])
    while (clock.pending < 1) await new Promise(setImmediate)
    await new Promise(setImmediate)
    clock.advance(101)
    expect((await failing)[0]!.error).toMatchObject({ name: 'TimeoutError', phase: 'connect' })
    answers.table['a.test.example'] = ['127.0.0.2', '127.0.0.1']
    // No time passes: if the unresponsive address were first, the other would not be tried.
    const [warmed] = await client.warm([origin.url('a.test.example')])
    expect(warmed!.connection!.remoteAddress).toBe('127.0.0.1')
  })
})

it('a connect deadline that passes while the process is busy does not end a dial that the server answers', async () => {
  const origin = await server({ protocols: ['h2'] })
  const client = createClient({ timeouts: { connect: 250 } })
  const request = client.request({ url: `${origin.url('a.test.example')}/` })
  while (client.stats().totals.dials === 0) await new Promise(setImmediate)
  const until = performance.now() + 700
  while (performance.now() < until);
  expect((await request).status).toBe(200)
  expect(client.stats().totals.dials).toBe(1)
})

/** A port of `address` with a full accept queue: the kernel drops every SYN. */
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
