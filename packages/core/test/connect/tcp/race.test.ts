/** Connection attempts to the addresses of a host (RFC 8305). */

import { connect, createServer, type Server, type Socket } from 'node:net'
import { FakeClock } from '@unshard/testkit'
import { AddressMemory, interleave } from '../../../src/connect/dns/address-order.js'
import { ATTEMPT_DELAY_MS, FAILED_DELAY_MS, race, type TcpEndpoint } from '../../../src/connect/tcp/race.js'
import { TimeoutError } from '../../../src/errors/errors.js'
import type { Address } from '../../../src/transport/route.js'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function listen(address: string, port = 0): Promise<{ port: number; sockets: Socket[]; server: Server }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, address, resolve))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return { port: (server.address() as { port: number }).port, sockets, server }
}

/** Loopback addresses: 127.0.0.0/8, so that several addresses can have the same port. */
const at = (...addresses: string[]): Address[] => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

/** RFC 5737: no host has this address. A sandbox may refuse it at once. */
const SILENT = '192.0.2.1'

function run(addresses: readonly Address[], port: number, clock = new FakeClock(), known?: AddressMemory) {
  const abort = new AbortController()
  const attempts: string[] = []
  const settled = race({
    addresses,
    port,
    origin: 'https://a.example',
    localAddress: undefined,
    clock,
    signal: abort.signal,
    memory: known === undefined ? undefined : { known, host: 'a.example' },
    onAttempt: ({ address }) => void attempts.push(address),
  })
  settled.then(
    (socket) => closers.push(() => socket.destroy()),
    () => undefined,
  )
  return { settled, abort, attempts, clock }
}

it('after several addresses fail, the error has the code of the last attempt and all errors in cause.errors', async () => {
  const { port, server } = await listen('127.0.0.1')
  await new Promise((resolve) => server.close(resolve))
  const error = await run(at('127.0.0.1', '127.0.0.2', '127.0.0.3'), port).settled.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toMatchObject({
    name: 'ConnectError',
    phase: 'tcp',
    code: 'ECONNREFUSED',
    syscall: 'connect',
    cause: { code: 'ECONNREFUSED', errors: [{ address: '127.0.0.1' }, { address: '127.0.0.2' }, { address: '127.0.0.3' }] },
    errors: [{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }],
  })
  const single = run(at('127.0.0.1'), port).settled
  await expect(single).rejects.toMatchObject({ code: 'ECONNREFUSED', cause: { code: 'ECONNREFUSED', address: '127.0.0.1' } })
})

it('a socket receives the host name and a lookup that returns the chosen address, for interceptors', async () => {
  const { port } = await listen('127.0.0.2')
  const lookups: [host: string, address: unknown][] = []
  const known = new AddressMemory(new FakeClock())
  const open = (endpoint: TcpEndpoint): Socket => {
    endpoint.lookup?.(endpoint.host, {}, (_error, address) => lookups.push([endpoint.host, address]))
    return connect(endpoint)
  }
  for (const host of ['named.example', '127.0.0.2']) {
    const common = {
      port,
      origin: 'https://a.example',
      localAddress: undefined,
      clock: new FakeClock(),
      onAttempt: () => undefined,
    }
    const memory = { known, host }
    const socket = await race({
      ...common,
      open,
      memory,
      addresses: at('127.0.0.1', '127.0.0.2'),
      signal: new AbortController().signal,
    })
    expect(socket.remoteAddress).toBe('127.0.0.2')
    socket.destroy()
  }
  expect(lookups).toEqual([
    ['named.example', '127.0.0.1'],
    ['named.example', '127.0.0.2'],
  ])
})

describe('interleave', () => {
  it.each([
    [
      ['2001:db8::1', '2001:db8::2', '192.0.2.1', '192.0.2.2'],
      ['2001:db8::1', '192.0.2.1', '2001:db8::2', '192.0.2.2'],
    ],
    [
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', '2001:db8::1'],
      ['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3'],
    ],
    [
      ['192.0.2.2', '192.0.2.1'],
      ['192.0.2.2', '192.0.2.1'],
    ],
    [[], []],
  ])('alternates between the families of %j, starting with that of the first address (RFC 8305 §4)', (addresses, expected) => {
    expect(interleave(at(...addresses)).map(({ address }) => address)).toEqual(expected)
  })
})

describe('the race', () => {
  it('connects to the first address, tries no other, and leaves no timer', async () => {
    const { port } = await listen('127.0.0.1')
    const { settled, attempts, clock } = run(at('127.0.0.1', '127.0.0.2'), port)
    expect(clock.pending).toBe(1)
    expect((await settled).remoteAddress).toBe('127.0.0.1')
    expect(attempts).toEqual(['127.0.0.1'])
    expect(clock.pending).toBe(0)
  })

  it('starts no timer for a single address', async () => {
    const { port } = await listen('127.0.0.1')
    const { settled, clock } = run(at('127.0.0.1'), port)
    expect(clock.pending).toBe(0)
    await settled
  })

  it('tries the next address at once after a failure', async () => {
    const { port } = await listen('127.0.0.3')
    const { settled, attempts, clock } = run(at('127.0.0.1', '127.0.0.2', '127.0.0.3'), port)
    expect((await settled).remoteAddress).toBe('127.0.0.3')
    expect(attempts).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
    expect(clock.now()).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('tries the next address 250 ms after the last one, and destroys the losing socket (RFC 8305 §5)', async () => {
    const { port } = await listen('127.0.0.1')
    const { settled, attempts, clock } = run(at(SILENT, '127.0.0.1'), port)
    clock.advance(ATTEMPT_DELAY_MS - 1)
    const unreachable = attempts.length > 1
    if (!unreachable) {
      expect(attempts).toEqual([SILENT])
      clock.advance(1)
    }
    expect((await settled).remoteAddress).toBe('127.0.0.1')
    expect(attempts).toEqual([SILENT, '127.0.0.1'])
    expect(clock.pending).toBe(0)
  })

  it('waits three seconds before an address that failed recently, so that a near one does not win against one that works', async () => {
    const first = await listen('127.0.0.1')
    const known = new AddressMemory(new FakeClock(1))
    known.demote('a.example', first.port, '127.0.0.2')
    const { settled, attempts, clock } = run(at('127.0.0.2', '127.0.0.1'), first.port, new FakeClock(), known)
    // Both attempts are pending in this turn.
    clock.advance(FAILED_DELAY_MS - 1)
    expect(attempts).toEqual(['127.0.0.1'])
    clock.advance(1)
    expect(attempts).toEqual(['127.0.0.1', '127.0.0.2'])
    await settled
  })

  it('waits three seconds before an address that has served nothing, after one that could not be reached', async () => {
    const first = await listen('127.0.0.1')
    const known = new AddressMemory(new FakeClock(1))
    known.failed(first.port, '127.0.0.1', 'ECONNREFUSED')
    known.disproved('a.example', first.port, '127.0.0.2')
    const { settled, attempts, clock } = run(at('127.0.0.2', '127.0.0.1'), first.port, new FakeClock(), known)
    clock.advance(FAILED_DELAY_MS - 1)
    expect(attempts).toEqual(['127.0.0.1'])
    await settled
  })

  it('waits 250 ms between two addresses that both failed recently', async () => {
    const first = await listen('127.0.0.1')
    const known = new AddressMemory(new FakeClock(1))
    for (const address of ['127.0.0.1', '127.0.0.2']) known.demote('a.example', first.port, address)
    const { settled, attempts, clock } = run(at('127.0.0.1', '127.0.0.2'), first.port, new FakeClock(), known)
    clock.advance(ATTEMPT_DELAY_MS)
    expect(attempts).toEqual(['127.0.0.1', '127.0.0.2'])
    await settled
  })

  it('keeps the first attempt when it starts the second: the first to connect wins, the other is destroyed', async () => {
    const first = await listen('127.0.0.1')
    const second = await listen('127.0.0.2', first.port)
    const { settled, attempts, clock } = run(at('127.0.0.1', '127.0.0.2'), first.port)
    // Both attempts are pending in this turn.
    clock.advance(ATTEMPT_DELAY_MS)
    expect(attempts).toEqual(['127.0.0.1', '127.0.0.2'])
    const winner = await settled
    const [loser] = winner.remoteAddress === '127.0.0.1' ? [second] : [first]
    // The server receives the end of a losing attempt that reached it.
    for (const socket of loser.sockets) {
      await new Promise((resolve) => (socket.destroyed ? resolve(undefined) : socket.once('close', resolve).resume()))
    }
    expect(winner.destroyed).toBe(false)
  })

  it('fails if all attempts fail; the error names each address, with the last failure as the cause', async () => {
    const { port, server } = await listen('127.0.0.1')
    await new Promise((resolve) => server.close(resolve))
    closers.length = 0
    const { settled, clock } = run(at('127.0.0.1', '127.0.0.2'), port)
    await expect(settled).rejects.toMatchObject({
      name: 'ConnectError',
      phase: 'tcp',
      origin: 'https://a.example',
      processed: 'no',
      message: expect.stringMatching(/127\.0\.0\.1: .*ECONNREFUSED.*; 127\.0\.0\.2: .*ECONNREFUSED/),
      cause: { code: 'ECONNREFUSED' },
    })
    expect(clock.pending).toBe(0)
  })

  it('ends every attempt after an abort, with its reason', async () => {
    const { port, sockets } = await listen('127.0.0.1')
    const { settled, abort, clock, attempts } = run(at('127.0.0.1', '127.0.0.2'), port)
    clock.advance(ATTEMPT_DELAY_MS)
    abort.abort('enough')
    await expect(settled).rejects.toBe('enough')
    clock.advance(10_000)
    expect(attempts).toHaveLength(2)
    expect(clock.pending).toBe(0)
    for (const socket of sockets) expect(socket.bytesRead).toBe(0)
  })

  it.each([
    ['total', 300, false],
    ['total', 1_000, true],
    ['connect', 300, true],
  ] as const)('a %s deadline after %d ms counts against the address that was tried: %s', async (phase, ms, counts) => {
    const { port } = await listen('127.0.0.1')
    const known = new AddressMemory(new FakeClock(1))
    const { settled, abort, clock } = run(at('127.0.0.1'), port, new FakeClock(), known)
    clock.advance(ms)
    abort.abort(new TimeoutError(phase, ms))
    await expect(settled).rejects.toMatchObject({ phase })
    expect(known.hasFailed(port, '127.0.0.1')).toBe(counts)
  })

  it('tries no address if it is aborted before it starts', async () => {
    const attempts: Address[] = []
    const starting = race({
      addresses: at('127.0.0.1'),
      port: 1,
      origin: 'https://a.example',
      localAddress: undefined,
      clock: new FakeClock(),
      signal: AbortSignal.abort('before'),
      onAttempt: (address) => void attempts.push(address),
    })
    await expect(starting).rejects.toBe('before')
    expect(attempts).toEqual([])
  })

  it('connects from the configured local address', async () => {
    const { port, sockets } = await listen('127.0.0.1')
    const signal = new AbortController().signal
    const common = { addresses: at('127.0.0.1'), port, origin: 'https://a.example', clock: new FakeClock(), signal }
    const socket = await race({ ...common, localAddress: '127.0.0.9', onAttempt: () => undefined })
    closers.push(() => socket.destroy())
    expect(socket.localAddress).toBe('127.0.0.9')
    expect(sockets.length).toBeLessThanOrEqual(1)
    const impossible = race({ ...common, localAddress: 'nowhere', onAttempt: () => undefined })
    await expect(impossible).rejects.toMatchObject({ name: 'ConnectError', phase: 'tcp' })
  })
})
