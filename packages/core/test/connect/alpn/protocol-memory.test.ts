/** The memory of protocols by origin, with and without http2-wrapper. */

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

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type Create = (...parts: unknown[]) => (options: object) => Promise<{ alpnProtocol: string; socket?: unknown }>

describe('ProtocolMemory', () => {
  /** @param isLoaded whether the resolver is loaded. */
  const make = async (isLoaded: boolean) => {
    const clock = new FakeClock(1)
    let loaded = (): void => undefined
    const loading = new Promise<void>((resolve) => {
      loaded = resolve
    })
    const memory = new ProtocolMemory(clock, () => import('http2-wrapper').finally(loaded))
    if (!isLoaded) return { clock, memory }
    await memory.resolve('before', dialing('h2').dial())
    clock.advance(1_000)
    await memory.resolve('meanwhile', dialing('h2').dial())
    await loading
    await turn()
    return { clock, memory }
  }

  describe.each([
    ['before the resolver is loaded', false],
    ['with the resolver', true],
  ])('%s', (_when, isLoaded) => {
    it('dials once if nothing is known, and uses that socket', async () => {
      const { memory } = await make(isLoaded)
      const { dial, dials } = dialing('h2')
      expect(memory.known('a')).toBeUndefined()
      expect(await memory.resolve('a', dial())).toBe(dials[0])
      expect(dials).toHaveLength(1)
      expect(memory.known('a')).toBe('h2')
      expect(memory.known('b')).toBeUndefined()
    })

    it('dials again although a protocol is remembered, and remembers the new one', async () => {
      const { memory } = await make(isLoaded)
      const { dial, dials } = dialing('h2', 'http/1.1')
      await memory.resolve('a', dial())
      expect(await memory.resolve('a', dial())).toBe(dials[1])
      expect(memory.known('a')).toBe('http/1.1')
    })

    it('remembers a server without ALPN as HTTP/1.1', async () => {
      const { memory } = await make(isLoaded)
      const { dial } = dialing(undefined)
      expect((await memory.resolve('a', dial())).protocol).toBeUndefined()
      expect(memory.known('a')).toBe('http/1.1')
    })

    it('passes on a failure and does not remember it', async () => {
      const { memory } = await make(isLoaded)
      const failure = new Error('no route')
      await expect(memory.resolve('a', Promise.reject(failure))).rejects.toBe(failure)
      expect(memory.known('a')).toBeUndefined()
      const { dial, dials } = dialing('h2')
      expect(await memory.resolve('a', dial())).toBe(dials[0])
    })

    it('returns a separate socket for each of two concurrent dials', async () => {
      const { memory } = await make(isLoaded)
      const { dial, dials } = dialing('h2')
      const [first, second] = await Promise.all([memory.resolve('a', dial()), memory.resolve('a', dial())])
      expect(first).not.toBe(second)
      expect(dials).toHaveLength(2)
    })

    it('serves a dial although a concurrent one fails or hangs', async () => {
      const { memory } = await make(isLoaded)
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
      const { memory, clock } = await make(isLoaded)
      await memory.resolve('a', dialing('h2').dial())
      clock.advance(299_999)
      expect(memory.known('a')).toBe('h2')
      clock.advance(2)
      expect(memory.known('a')).toBeUndefined()
    })
  })

  it('calls http2-wrapper for every dial, and uses the socket if it remembers no protocol', async () => {
    const { auto } = (await import('http2-wrapper')).default as unknown as { auto: { createResolveProtocol: Create } }
    const original = auto.createResolveProtocol
    const answers: { alpnProtocol: string; socket?: unknown }[] = []
    let created = (): void => undefined
    const loaded = new Promise<void>((resolve) => {
      created = resolve
    })
    auto.createResolveProtocol = (...parts) => {
      const resolve = original(...parts)
      created()
      return async (options) => {
        const answer = await resolve(options)
        answers.push(answer)
        return answer
      }
    }
    try {
      const { memory, clock } = await make(false)
      const { dial, dials } = dialing('h2')
      await memory.resolve('before', dialing('h2').dial())
      clock.advance(1_000)
      await memory.resolve('meanwhile', dialing('h2').dial())
      await loaded
      await turn()
      answers.splice(0)
      await memory.resolve('a', dial())
      await turn()
      await memory.resolve('a', dial())
      await turn()
      expect(answers.map(({ alpnProtocol }) => alpnProtocol)).toEqual(['h2', 'h2'])
      expect(answers.map(({ socket }) => socket)).toEqual([dials[0]!.socket, undefined])
    } finally {
      auto.createResolveProtocol = original
    }
  })

  it('works without the resolver, and loads it again later', async () => {
    let loads = 0
    const clock = new FakeClock(1)
    const memory = new ProtocolMemory(clock, () => {
      loads++
      return loads === 1 ? Promise.reject(new Error('EMFILE')) : import('http2-wrapper')
    })
    const { dial, dials } = dialing('h2')
    expect(await memory.resolve('a', dial())).toBe(dials[0])
    expect(memory.known('a')).toBe('h2')
    clock.advance(1_000)
    expect(await memory.resolve('b', dial())).toBe(dials[1])
    expect(memory.known('b')).toBe('h2')
    await turn()
    expect(loads).toBe(1)
    expect(await memory.resolve('c', dial())).toBe(dials[2])
    await memory.resolve('d', dial())
    expect(loads).toBe(2)
  })

  describe('the load of the resolver, which takes 25 ms,', () => {
    const countingMemory = () => {
      const clock = new FakeClock(1)
      const counts = { loads: 0, resolves: 0 }
      const auto = {
        createResolveProtocol: () => () => {
          counts.resolves++
          return Promise.resolve({ alpnProtocol: 'h2' })
        },
      }
      const memory = new ProtocolMemory(clock, () => {
        counts.loads++
        return Promise.resolve({ default: { auto } })
      })
      return { clock, memory, counts }
    }

    it('does not delay the first responses: it starts with a handshake at least a second after the first', async () => {
      const { clock, memory, counts } = countingMemory()
      await memory.resolve('a', dialing('h2').dial())
      clock.advance(999)
      await memory.resolve('b', dialing('h2').dial())
      await turn()
      expect(counts).toEqual({ loads: 0, resolves: 0 })
      clock.advance(1)
      await memory.resolve('c', dialing('h2').dial())
      await turn()
      expect(counts).toEqual({ loads: 1, resolves: 1 })
      await memory.resolve('d', dialing('h2').dial())
      expect(counts).toEqual({ loads: 1, resolves: 2 })
    })

    it('does not start without a handshake', async () => {
      const { clock, memory, counts } = countingMemory()
      await memory.resolve('a', dialing('h2').dial())
      clock.advance(3_600_000)
      await turn()
      expect(counts.loads).toBe(0)
    })

    it('does not delay a handshake', async () => {
      const clock = new FakeClock(1)
      const memory = new ProtocolMemory(clock, () => new Promise(() => undefined))
      await memory.resolve('a', dialing('h2').dial())
      clock.advance(1_000)
      const { dial, dials } = dialing('h2')
      expect(await memory.resolve('b', dial())).toBe(dials[0])
      expect(memory.known('b')).toBe('h2')
    })
  })
})
