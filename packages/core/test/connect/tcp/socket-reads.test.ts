/**
 * Reads into one shared buffer: no bytes are lost before a reader exists, and none change after.
 */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Socket } from 'node:net'
import { type Authority, createAuthority, staticLookup } from '@unshard/testkit'
import { SocketReads } from '../../../src/connect/tcp/socket-reads.js'
import { Client } from '../../../src/index.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A TCP connection: the local end, read through the shared buffer, and the remote end. */
async function pair(): Promise<{ reads: SocketReads; socket: Socket; peer: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reads = new SocketReads()
  const socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', onread: reads.onread })
  reads.of(socket)
  const [peer] = (await once(server, 'connection')) as [Socket]
  peer.on('error', () => undefined)
  closers.push(() => {
    socket.destroy()
    peer.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { reads, socket, peer }
}

/** Collects copies of the received bytes. */
function collect(reads: SocketReads): { text(): string; until(bytes: number): Promise<void> } {
  const copies: Buffer[] = []
  let received = 0
  let awaited = 0
  let resolveUntil: (() => void) | undefined
  reads.start((bytes) => {
    copies.push(Buffer.from(bytes))
    received += bytes.length
    if (received >= awaited) resolveUntil?.()
  })
  return {
    text: () => Buffer.concat(copies).toString(),
    until: (count) => {
      awaited = count
      return received >= count ? Promise.resolve() : new Promise((resolve) => (resolveUntil = resolve))
    },
  }
}

it('bytes that arrive before a reader are delivered first, in order', async () => {
  const { reads, socket, peer } = await pair()
  peer.write('before ')
  await once(socket, 'readable')
  const collected = collect(reads)
  peer.write('and after')
  await collected.until(16)
  expect(collected.text()).toBe('before and after')
})

it('bytes that a mocking library pushes into the socket are delivered', async () => {
  const { reads, socket, peer } = await pair()
  const collected = collect(reads)
  peer.write('read, ')
  await collected.until(6)
  socket.push('pushed, ')
  await collected.until(14)
  peer.write('and read')
  await collected.until(22)
  expect(collected.text()).toBe('read, pushed, and read')
})

it('the end is signaled to a reader attached before or after it', async () => {
  const early = await pair()
  collect(early.reads)
  early.peer.end()
  await once(early.socket, 'end')
  const late = await pair()
  late.peer.end('last words')
  await once(late.socket, 'readable')
  const collected = collect(late.reads)
  await once(late.socket, 'end')
  expect(collected.text()).toBe('last words')
})

it('a socket without a reader pauses, and resumes when it is read', async () => {
  const { reads, socket, peer } = await pair()
  const bytes = 8_388_608
  peer.write(Buffer.alloc(bytes, 'x'))
  // Until the stream is full: the read that exceeds its buffer is the last one.
  await new Promise<void>((resolve) => {
    const push = socket.push.bind(socket)
    socket.push = (chunk) => {
      const room = push(chunk)
      if (!room) resolve()
      return room
    }
  })
  expect(socket.readableLength).toBeLessThanOrEqual(socket.readableHighWaterMark + 65_536)
  const collected = collect(reads)
  await collected.until(bytes)
  expect(collected.text()).toHaveLength(bytes)
})

describe('through a client', () => {
  const NAME = 'reads.test.example'
  let authority: Authority
  beforeAll(async () => {
    authority = await createAuthority()
  })

  /** A server that supports only `protocol`, and two clients. */
  async function serve(protocol: string): Promise<{ clients: Client[]; base: string }> {
    const credentials = await authority.issue({ names: [NAME] })
    const answer = (request: { url?: string | undefined }, response: { end(bytes: Buffer): unknown }): void => {
      response.end(content(request.url!))
    }
    const server = protocol === 'h2' ? createSecureServer(credentials, answer) : createHttpsServer(credentials, answer)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const lookup = staticLookup({ [NAME]: ['127.0.0.1'] })
    const clients = [1, 2].map(() => new Client({ tls: { ca: authority.ca }, lookup }))
    closers.push(async () => {
      await Promise.all(clients.map((client) => client.close()))
      await new Promise((resolve) => server.close(resolve))
    })
    return { clients, base: `https://${NAME}:${(server.address() as { port: number }).port}` }
  }

  const contents = Array.from({ length: 24 }, (_, i) => randomBytes([7, 600, 5_000, 40_000, 300_000, 2_000_000][i % 6]!))
  const content = (path: string): Buffer => contents[Number(path.slice(1))]!
  const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

  /** A body as it was received: complete, or in parts. */
  async function get(client: Client, url: string, whole: boolean): Promise<() => Uint8Array> {
    const response = await client.request({ url })
    if (whole) {
      const bytes = await response.bytes()
      return () => bytes
    }
    const parts: Uint8Array[] = []
    for await (const part of response.body) parts.push(part)
    return () => Buffer.concat(parts)
  }

  it.each(['h2', 'http/1.1'])('bodies do not change after they were read, whatever is read afterwards: %s', async (protocol) => {
    const { clients, base } = await serve(protocol)
    const kept: { path: string; bytes: () => Uint8Array }[] = []
    const keep = async (client: Client, path: string, whole: boolean): Promise<void> => {
      kept.push({ path, bytes: await get(client, base + path, whole) })
    }
    for (const whole of [true, false, true]) {
      await Promise.all(clients.flatMap((client) => contents.map((_, i) => keep(client, `/${i}`, whole))))
    }
    expect(kept).toHaveLength(144)
    expect(kept.every(({ path, bytes }) => hash(bytes()) === hash(content(path)))).toBe(true)
    expect(clients.map((client) => client.stats().connections[0]?.protocol)).toEqual([protocol, protocol])
  })
})
