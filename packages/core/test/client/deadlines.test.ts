/** Each request has its own deadlines, whatever dial it joins. */

import net, { type Socket } from 'node:net'
import { FakeClock, type OriginHandler } from '@unshard/testkit'
import type { ClientOptions, RequestOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client, server, defer } = clientFixture()

/** A server that accepts TCP and delays everything else. */
async function silent(): Promise<{ port: number; connections: () => number; accept: (socket: Socket) => void }> {
  let count = 0
  const sockets: Socket[] = []
  const listener = net.createServer((socket) => {
    count++
    sockets.push(socket)
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  defer(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return { port: (listener.address() as net.AddressInfo).port, connections: () => count, accept: () => undefined }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate)
}

const timeout = (ms: number): object => ({ name: 'TimeoutError', phase: 'connect', ms, processed: 'no' })

describe('timeouts.connect of a request', () => {
  async function race(options: ClientOptions, requests: Partial<RequestOptions>[]) {
    const clock = new FakeClock()
    const { port, connections } = await silent()
    const one = client({ clock, ...options })
    const url = `https://a.test.example:${port}/`
    const settled: string[] = []
    const all = requests.map((each, i) => {
      const request = one.request({ url, ...each })
      request.catch(() => settled.push(`${i} at ${Math.round(clock.now() / 1_000)} s`))
      return request
    })
    await until(() => connections() > 0)
    return { clock, settled, all, connections, one, url }
  }

  it("may be longer or shorter than the client's; each request has its own", async () => {
    const { clock, settled, all } = await race({ timeouts: { connect: 5_000 } }, [
      { timeouts: { connect: 20_000 } },
      {},
      { timeouts: { connect: 2_000 } },
    ])
    await clock.pass(21_000)
    expect(settled).toEqual(['2 at 2 s', '1 at 5 s', '0 at 20 s'])
    await expect(all[0]).rejects.toMatchObject(timeout(20_000))
    await expect(all[1]).rejects.toMatchObject(timeout(5_000))
  })

  it('0 waits as long as the dial takes', async () => {
    const { clock, settled, one } = await race({ timeouts: { connect: 1_000 } }, [{ timeouts: { connect: 0 } }])
    await clock.pass(60_000)
    expect(settled).toEqual([])
    one.destroy()
  })

  it('a request that joins an old dial does not inherit its age', async () => {
    const { clock, settled, one, url, connections } = await race({ timeouts: { connect: 10_000 } }, [{}])
    await clock.pass(9_000)
    const late = one.request({ url })
    late.catch(() => settled.push(`late at ${clock.now() / 1_000} s`))
    await clock.pass(11_000)
    expect(settled).toEqual(['0 at 10 s', 'late at 19 s'])
    expect(connections()).toBe(1)
    await expect(late).rejects.toMatchObject(timeout(10_000))
  })

  it('a dial ends with the last request that waits for it', async () => {
    const { clock, one, connections } = await race({ timeouts: { connect: 1_000 } }, [{}, {}])
    await clock.pass(1_100)
    expect(connections()).toBe(1)
    expect(one.stats().pools).toEqual([])
  })

  it("covers the resolver, even if it is longer than the client's", async () => {
    const clock = new FakeClock()
    let answer!: (error: null, address: string, family: number) => void
    const one = client({
      clock,
      timeouts: { connect: 1_000 },
      lookup: (_host, _options, callback) => {
        answer = callback as never
      },
    })
    const origin = await server({ protocols: ['h2'] })
    const url = `${origin.url('a.test.example')}/`
    const short = one.request({ url })
    const long = one.request({ url, timeouts: { connect: 30_000 } })
    short.catch(() => undefined)
    await clock.pass(20_000)
    await expect(short).rejects.toMatchObject(timeout(1_000))
    answer(null, '127.0.0.1', 4)
    expect((await long).status).toBe(200)
  })
})

describe.each(['h2', 'http/1.1'] as const)('an upload that the server does not read, over %s', (protocol) => {
  const stuck: OriginHandler = (request) => {
    request.pause()
  }

  it.each([
    ['bytes', () => Buffer.alloc(20_000_000)],
    [
      'a stream',
      async function* () {
        for (;;) yield Buffer.alloc(65_536)
      },
    ],
  ])('%s: ends by timeouts.body, and not by timeouts.headers', async (_what, body) => {
    const origin = await server({ protocols: [protocol], handler: stuck })
    const one = client()
    const timeouts = { body: 300, headers: 60_000 }
    const request = one.request({ url: `${origin.url('a.test.example')}/`, method: 'POST', body: body(), timeouts })
    await expect(request).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body', ms: 300 })
  })
})
