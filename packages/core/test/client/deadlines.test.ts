/** Each request has its own deadlines, regardless of the dial that it joins. */

import net, { type Socket } from 'node:net'
import { FakeClock, type OriginHandler } from '@unshard/testkit'
import type { ClientOptions, RequestOptions } from '../../src/index.js'
import { clientFixture } from './fixture.js'

const { client: createClient, server, defer } = clientFixture()

/** A server that accepts TCP and sends nothing. */
async function silentServer(): Promise<{ port: number; connections: () => number; accept: (socket: Socket) => void }> {
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

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

const timeout = (ms: number): object => ({ name: 'TimeoutError', phase: 'connect', ms, processed: 'no' })

describe('timeouts.connect of a request', () => {
  async function race(options: ClientOptions, requests: Partial<RequestOptions>[]) {
    const clock = new FakeClock()
    const { port, connections } = await silentServer()
    const client = createClient({ clock, ...options })
    const url = `https://a.test.example:${port}/`
    const settled: string[] = []
    const all = requests.map((each, i) => {
      const request = client.request({ url, ...each })
      request.catch(() => settled.push(`${i} at ${Math.round(clock.now() / 1_000)} s`))
      return request
    })
    await until(() => connections() > 0)
    return { clock, settled, all, connections, client: client, url }
  }

  it('a request may have a longer or shorter connect deadline than the client', async () => {
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

  it('a connect deadline of 0 waits until the dial ends', async () => {
    const { clock, settled, client } = await race({ timeouts: { connect: 1_000 } }, [{ timeouts: { connect: 0 } }])
    await clock.pass(60_000)
    expect(settled).toEqual([])
    client.destroy()
  })

  it('a request that joins a pending dial does not inherit the age of the dial', async () => {
    const { clock, settled, client, url, connections } = await race({ timeouts: { connect: 10_000 } }, [{}])
    await clock.pass(9_000)
    const late = client.request({ url })
    late.catch(() => settled.push(`late at ${clock.now() / 1_000} s`))
    await clock.pass(11_000)
    expect(settled).toEqual(['0 at 10 s', 'late at 19 s'])
    expect(connections()).toBe(1)
    await expect(late).rejects.toMatchObject(timeout(10_000))
  })

  it('a dial ends with the last request that waits for it', async () => {
    const { clock, client, connections } = await race({ timeouts: { connect: 1_000 } }, [{}, {}])
    await clock.pass(1_100)
    expect(connections()).toBe(1)
    expect(client.stats().pools).toEqual([])
  })

  it("the connect deadline of a request covers the resolver, even if it is longer than the client's", async () => {
    const clock = new FakeClock()
    let answer!: (error: null, address: string, family: number) => void
    const client = createClient({
      clock,
      timeouts: { connect: 1_000 },
      lookup: (_host, _options, callback) => {
        answer = callback as never
      },
    })
    const origin = await server({ protocols: ['h2'] })
    const url = `${origin.url('a.test.example')}/`
    const short = client.request({ url })
    const long = client.request({ url, timeouts: { connect: 30_000 } })
    short.catch(() => undefined)
    await clock.pass(20_000)
    await expect(short).rejects.toMatchObject(timeout(1_000))
    answer(null, '127.0.0.1', 4)
    expect((await long).status).toBe(200)
  })
})

describe.each(['h2', 'http/1.1'] as const)('an upload over %s that the server does not read', (protocol) => {
  const neverRead: OriginHandler = (request) => {
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
  ])('ends by timeouts.body and not by timeouts.headers: %s', async (_what, body) => {
    const origin = await server({ protocols: [protocol], handler: neverRead })
    const client = createClient()
    const timeouts = { body: 300, headers: 60_000 }
    const request = client.request({ url: `${origin.url('a.test.example')}/`, method: 'POST', body: body(), timeouts })
    await expect(request).rejects.toMatchObject({ name: 'TimeoutError', phase: 'body', ms: 300 })
  })
})
