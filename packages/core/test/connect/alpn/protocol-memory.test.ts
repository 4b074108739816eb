/** The memory of protocols by origin. */

import { EventEmitter } from 'node:events'
import { FakeClock } from '@unshard/testkit'
import { ProtocolMemory } from '../../../src/connect/alpn/protocol-memory.js'
import type { SecureSocket } from '../../../src/connect/tls/tls-connector.js'

/** The parts of a TLS socket that ALPN resolution reads. */
function secured(protocol: string | undefined): SecureSocket {
  const socket = Object.assign(new EventEmitter(), { alpnProtocol: protocol ?? false })
  return {
    socket: socket as never,
    protocol,
    certificate: undefined,
    authorized: true,
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', group: 'X25519', resumed: false },
  }
}

function dialing(...protocols: (string | undefined)[]) {
  const dials: SecureSocket[] = []
  const dial = async (): Promise<SecureSocket> => {
    dials.push(secured(protocols.length > 1 ? protocols.shift() : protocols[0]))
    return dials.at(-1)!
  }
  return { dial, dials }
}

describe('ProtocolMemory', () => {
  const make = () => {
    const clock = new FakeClock(1)
    return { clock, memory: new ProtocolMemory(clock) }
  }

  it('dials once if nothing is known, and uses that socket', async () => {
    const { memory } = make()
    const { dial, dials } = dialing('h2')
    expect(memory.known('a')).toBeUndefined()
    expect(await memory.resolve('a', dial())).toBe(dials[0])
    expect(dials).toHaveLength(1)
    expect(memory.known('a')).toBe('h2')
    expect(memory.known('b')).toBeUndefined()
  })

  it('dials again although a protocol is remembered, and remembers the new one', async () => {
    const { memory } = make()
    const { dial, dials } = dialing('h2', 'http/1.1')
    await memory.resolve('a', dial())
    expect(await memory.resolve('a', dial())).toBe(dials[1])
    expect(memory.known('a')).toBe('http/1.1')
  })

  it('remembers a server without ALPN as HTTP/1.1', async () => {
    const { memory } = make()
    const { dial } = dialing(undefined)
    expect((await memory.resolve('a', dial())).protocol).toBeUndefined()
    expect(memory.known('a')).toBe('http/1.1')
  })

  it('passes on a failure and does not remember it', async () => {
    const { memory } = make()
    const failure = new Error('no route')
    await expect(memory.resolve('a', Promise.reject(failure))).rejects.toBe(failure)
    expect(memory.known('a')).toBeUndefined()
    const { dial, dials } = dialing('h2')
    expect(await memory.resolve('a', dial())).toBe(dials[0])
  })

  it('returns a separate socket for each of two concurrent dials', async () => {
    const { memory } = make()
    const { dial, dials } = dialing('h2')
    const [first, second] = await Promise.all([memory.resolve('a', dial()), memory.resolve('a', dial())])
    expect(first).not.toBe(second)
    expect(dials).toHaveLength(2)
  })

  it('serves a dial although a concurrent one fails or hangs', async () => {
    const { memory } = make()
    const failure = new Error('no route')
    const hanging = new Promise<SecureSocket>(() => undefined)
    const { dial, dials } = dialing('h2')
    for (const first of [Promise.reject(failure), hanging]) {
      const concurrent = memory.resolve('a', first)
      concurrent.catch(() => undefined)
      expect(await memory.resolve('a', dial())).toBe(dials.at(-1))
      if (first !== hanging) await expect(concurrent).rejects.toBe(failure)
    }
  })

  it('forgets after five minutes', async () => {
    const { memory, clock } = make()
    await memory.resolve('a', dialing('h2').dial())
    clock.advance(299_999)
    expect(memory.known('a')).toBe('h2')
    clock.advance(2)
    expect(memory.known('a')).toBeUndefined()
  })
})
