/** A tunnel on an HTTP/2 stream, frame by frame (RFC 9113 §8.5), with a scripted proxy. */

import net from 'node:net'
import { FakeClock, frames, type Script, type ScriptedConnection, type ScriptedPeer, startScriptedPeer } from '@unshard/testkit'
import { H2Proxy, LostConnect } from '../../../src/connect/proxy/h2-proxy.js'
import { checkProxy } from '../../../src/connect/proxy/proxy-options.js'
import type { Tunnel } from '../../../src/connect/proxy/tunnel.js'
import { TimeoutError } from '../../../src/errors/errors.js'
import { H2Connection } from '../../../src/h2/connection.js'
import { WindowBudget } from '../../../src/h2/protocol/window.js'
import { parseOrigin } from '../../../src/index.js'
import { originRecord, POOL, plainTarget } from '../../fixtures.js'
import { targetOf } from '../../pool/fakes.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const target = targetOf('https://a.test.example/')
const never = new AbortController().signal
const WINDOW = 131_072

interface Setup {
  readonly proxy: H2Proxy
  readonly peer: ScriptedPeer
  readonly clock: FakeClock
  readonly socket: net.Socket
  /** Whether the connection keeps the process alive. */
  held: boolean
}

async function startProxy(script: Script): Promise<Setup> {
  const clock = new FakeClock()
  const peer = await startScriptedPeer(script)
  const socket = net.connect(peer.port, peer.address)
  const route = {
    ...{ origin: parseOrigin('https://proxy.example'), reuseKey: '', proxy: undefined, certificate: undefined },
    ...{
      remoteAddress: '192.0.2.1',
      remotePort: 443,
      localAddress: '192.0.2.2',
      localPort: 1,
      authorized: true,
      lenient: false,
      addresses: [],
      clientCertificate: false,
    },
  }
  const settings = {
    initialWindowBytes: WINDOW,
    connectionWindowBytes: WINDOW,
    headerTableBytes: 4_096,
    maxFieldSectionBytes: 65_536,
  }
  const connection = new H2Connection(socket, route, {
    settings,
    budget: new WindowBudget(0),
    clock,
    pool: POOL,
    record: originRecord(),
  })
  const setup = { peer, clock, socket, held: false } as Setup & { proxy: H2Proxy }
  const hold = { ref: () => (setup.held = true), unref: () => (setup.held = false) }
  setup.proxy = new H2Proxy(checkProxy('https://proxy.example', 'x'), connection, hold, {
    ...{ clock, idleTimeoutMs: 0 },
    onClosed: () => undefined,
  })
  closers.push(
    () => peer.close(),
    () => connection.destroy(new Error('the test is over')),
    () => expect(peer.failures).toEqual([]),
  )
  return setup
}

/** Returns the script of a proxy that opens one tunnel, then continues with `then`. */
function tunneling(then: (p: ScriptedConnection, streamId: number) => unknown): Script {
  return async (p) => {
    await p.handshake()
    const { streamId, endStream } = await p.nextRequest()
    expect(endStream).toBe(false)
    p.send(frames.headers(streamId, [[':status', '200']]))
    await then(p, streamId)
    await p.closed
  }
}

async function read(tunnel: Tunnel): Promise<string> {
  let text = ''
  for await (const chunk of tunnel) text += (chunk as Buffer).toString()
  return text
}

/** Returns the content of a stream, up to its end. */
async function contentOf(p: ScriptedConnection): Promise<string> {
  let text = ''
  for (;;) {
    const frame = await p.next('DATA')
    text += frame.payload.toString()
    if ((frame.flags & 1) !== 0) return text
  }
}

it("a tunnel carries DATA in both directions, END_STREAM ends each, and its addresses are the proxy's", async () => {
  const { proxy, held } = await startProxy(
    tunneling(async (p, id) => {
      p.send(frames.data(id, Buffer.from('hello ')), frames.data(id, Buffer.from('there')))
      const content = await contentOf(p)
      p.send(frames.data(id, Buffer.from(`, ${content}`), { endStream: true }))
    }),
  )
  expect(held).toBe(false)
  const tunnel = await proxy.open(target, never)
  expect(tunnel).toMatchObject({ remoteAddress: '192.0.2.1', remotePort: 443, localAddress: '192.0.2.2', localPort: 1 })
  tunnel.write('you ')
  tunnel.write('too')
  tunnel.end('!')
  expect(await read(tunnel)).toBe('hello there, you too!')
})

it('a proxy without credit stops the writer: writes wait for the window of the stream', async () => {
  let open = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let total = 0
  const setup = await startProxy(
    tunneling(async (p, id) => {
      await gate
      while (total < 300_000) {
        const { payload } = await p.next('DATA')
        total += payload.length
        p.send(frames.windowUpdate(0, payload.length), frames.windowUpdate(id, payload.length))
      }
    }),
  )
  const tunnel = await setup.proxy.open(target, never)
  let written = 0
  for (let i = 0; i < 30; i++) tunnel.write(Buffer.alloc(10_000), () => written++)
  while (written < 6) await new Promise((resolve) => setImmediate(resolve))
  // The window is 65,535 bytes. Bytes beyond it are not accepted, and the stream reports that.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  expect(written).toBeLessThanOrEqual(7)
  expect(tunnel.writableNeedDrain).toBe(true)
  open()
  await new Promise((resolve) => tunnel.once('drain', resolve))
  expect(total).toBeGreaterThan(200_000)
})

it('a tunnel that is not read gives no credit: the proxy may send one window', async () => {
  const setup = await startProxy(
    tunneling(async (p, id) => {
      for (let at = 0; at < WINDOW; at += 16_384) p.send(frames.data(id, Buffer.alloc(16_384, 0x61)))
    }),
  )
  const tunnel = await setup.proxy.open(target, never)
  const peer = setup.peer.peers[0]!
  const credits = (): number =>
    peer.received.filter(({ typeName, streamId }) => typeName === 'WINDOW_UPDATE' && streamId === 1).length
  while (setup.socket.bytesRead < WINDOW) await new Promise((resolve) => setImmediate(resolve))
  expect(credits()).toBe(0)
  let length = 0
  tunnel.on('data', (chunk: Buffer) => {
    length += chunk.length
  })
  while (length < WINDOW) await new Promise((resolve) => setImmediate(resolve))
  while (credits() === 0) await new Promise((resolve) => setImmediate(resolve))
})

it('RST_STREAM is an error of the tunnel, with its code', async () => {
  const { proxy } = await startProxy(tunneling((p, id) => p.send(frames.data(id, Buffer.from('a')), frames.rstStream(id, 0xa))))
  const tunnel = await proxy.open(target, never)
  await expect(read(tunnel)).rejects.toMatchObject({ name: 'StreamError', errorCode: 0xa, initiator: 'peer' })
  expect(tunnel.destroyed).toBe(true)
})

it('a tunnel destroyed with an error sends RST_STREAM at once, and its pending writes fail', async () => {
  let resolveCode!: (code: number) => void
  const resetCode = new Promise<number>((resolve) => {
    resolveCode = resolve
  })
  const { proxy } = await startProxy(tunneling(async (p) => resolveCode((await p.next('RST_STREAM')).payload.readUInt32BE())))
  const tunnel = await proxy.open(target, never)
  const failed = new Promise((resolve) => tunnel.write(Buffer.alloc(200_000), resolve))
  tunnel.destroy(new Error('enough'))
  expect(await failed).toMatchObject({ message: 'enough' })
  expect(await resetCode).toBe(0x8)
})

it('a tunnel that ended and was destroyed sends RST_STREAM only if the proxy does not end it in a second', async () => {
  const typeNames: string[] = []
  const setup = await startProxy(
    tunneling(async (p, id) => {
      expect(await contentOf(p)).toBe('bye')
      p.send(frames.data(id, Buffer.from('late')), frames.ping(Buffer.alloc(8)))
      typeNames.push((await p.next('PING')).typeName)
      setup.clock.advance(1_100)
      typeNames.push((await p.next('RST_STREAM')).typeName)
    }),
  )
  const tunnel = await setup.proxy.open(target, never)
  tunnel.end('bye', () => tunnel.destroy())
  while (typeNames.length < 2) await new Promise((resolve) => setImmediate(resolve))
  expect(typeNames).toEqual(['PING', 'RST_STREAM'])
})

it('a tunnel that both sides ended sends no RST_STREAM', async () => {
  const setup = await startProxy(
    tunneling(async (p, id) => {
      expect(await contentOf(p)).toBe('bye')
      p.send(frames.data(id, Buffer.from('bye'), { endStream: true }), frames.ping(Buffer.alloc(8)))
      await p.next('PING')
      expect(p.received.some(({ typeName }) => typeName === 'RST_STREAM')).toBe(false)
      p.end()
    }),
  )
  const tunnel = await setup.proxy.open(target, never)
  tunnel.end('bye', () => tunnel.destroy())
  await setup.peer.peers[0]!.closed
  setup.clock.advance(2_000)
})

it('a proxy that ends the tunnel and refuses content (RFC 9113 §8.1) causes an error of the writer', async () => {
  const { proxy } = await startProxy(
    tunneling((p, id) => p.send(frames.data(id, Buffer.alloc(0), { endStream: true }), frames.rstStream(id, 0))),
  )
  const tunnel = await proxy.open(target, never)
  const closed = new Promise((resolve) => tunnel.once('close', resolve))
  tunnel.write(Buffer.alloc(200_000))
  await closed
  expect(tunnel.destroyed).toBe(true)
})

it('each referenced tunnel keeps the process alive', async () => {
  const setup = await startProxy(async (p) => {
    await p.handshake()
    for (let i = 0; i < 2; i++) p.send(frames.headers((await p.nextRequest()).streamId, [[':status', '200']]))
    await p.closed
  })
  const opening = setup.proxy.open(target, never)
  expect(setup.held).toBe(true)
  const first = await opening
  first.unref()
  first.unref()
  expect(setup.held).toBe(false)
  const second = await setup.proxy.open(target, never)
  expect(setup.held).toBe(true)
  first.ref()
  second.destroy(new Error('enough'))
  await new Promise((resolve) => second.once('close', resolve))
  expect(setup.held).toBe(true)
  first.destroy(new Error('enough'))
  await new Promise((resolve) => first.once('close', resolve))
  expect(setup.held).toBe(false)
})

it('a CONNECT may be replayed once if it was lost with a connection that had been used before', async () => {
  const setup = await startProxy(async (p) => {
    await p.handshake()
    p.send(frames.headers((await p.nextRequest()).streamId, [[':status', '200']]))
    await p.nextRequest()
    p.destroy()
  })
  await setup.proxy.open(target, never)
  await expect(setup.proxy.open(target, never)).rejects.toBeInstanceOf(LostConnect)
  const fresh = await startProxy(async (p) => {
    await p.handshake()
    await p.nextRequest()
    p.destroy()
  })
  await expect(fresh.proxy.open(target, never)).rejects.toMatchObject({ name: 'ConnectError', phase: 'proxy' })
})

it('a proxy that allows no streams causes a ConnectError', async () => {
  const setup = await startProxy(async (p) => {
    await p.handshake({ maxConcurrentStreams: 0 })
    await p.closed
  })
  while (setup.proxy.hasRoom) await new Promise((resolve) => setImmediate(resolve))
  await expect(setup.proxy.open(target, never)).rejects.toMatchObject({
    reason: { phase: 'proxy', code: 'ERR_CONNECT_PROXY' },
  })
})

it('an abort before CONNECT sends no frame', async () => {
  const setup = await startProxy(async (p) => {
    await p.handshake()
    await p.closed
  })
  await expect(setup.proxy.open(target, AbortSignal.abort('enough'))).rejects.toBe('enough')
  expect(setup.held).toBe(false)
})

describe('a connection to a proxy', () => {
  let onDelivered: () => void
  const target = plainTarget(parseOrigin('https://a.example'))

  it('is verified before another tunnel is opened if it was idle for long', async () => {
    const { proxy, clock } = await startProxy(
      tunneling(async (p, id) => {
        p.send(frames.rstStream(id, 0))
        p.send(frames.ping((await p.next('PING')).payload, true))
      }),
    )
    const tunnel = await proxy.open(target, new AbortController().signal)
    await new Promise((resolve) => tunnel.on('error', () => undefined).once('close', resolve))
    expect(proxy.verification()).toBeUndefined()
    clock.advance(20_000)
    const verification = proxy.verification()
    expect([verification instanceof Promise, proxy.verifying, proxy.hasRoom]).toEqual([true, true, false])
    await verification
    expect([proxy.verifying, proxy.hasRoom, proxy.verification()]).toEqual([false, true, undefined])
  })

  it('is closed after a tunnel timed out and the PING is not acknowledged', async () => {
    const delivered = new Promise<void>((resolve) => {
      onDelivered = resolve
    })
    const { proxy, clock } = await startProxy(
      tunneling(async (p) => {
        await p.nextRequest()
        onDelivered()
      }),
    )
    const tunnel = await proxy.open(target, never)
    tunnel.on('error', () => undefined)
    const waiting = new AbortController()
    const opening = proxy.open(target, waiting.signal)
    await delivered
    clock.advance(2_000)
    waiting.abort(new TimeoutError('connect', 2_000))
    await expect(opening).rejects.toBe(waiting.signal.reason)
    const verification = proxy.verification()
    expect([proxy.verifying, proxy.hasRoom]).toEqual([true, false])
    await clock.pass(10_000)
    await verification
    expect([proxy.verifying, proxy.hasRoom]).toEqual([false, false])
  })
})
