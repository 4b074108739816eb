import { ADDRESS, connected, newNetwork } from './path.js'

const text = (value: string): Buffer => Buffer.from(value, 'latin1')
/** RFC 9293 §3.8.1, `net.ipv4.tcp_retries2` of 15: about a quarter of an hour. */
const GIVE_UP_MS = 924_600

describe('bytes', () => {
  it('arrive after the latency, in order, and FIN behind them', () => {
    const { kernel, client, atServer } = connected({ latencyMs: 50 })
    expect(kernel.now).toBe(100)
    client.write(text('one'))
    kernel.run(110)
    client.write(text('two'))
    client.end()
    kernel.run(1_000)
    expect(atServer).toEqual([
      [150, 'one'],
      [160, 'two'],
      [160, 'FIN'],
    ])
  })

  it('are late if segments are lost, and never out of order', () => {
    const { kernel, client, atServer } = connected({ latencyMs: 10, loss: 0.3 })
    const sent = Array.from({ length: 100 }, (_, index) => `${index};`)
    for (const part of sent) {
      client.write(text(part))
      kernel.run(kernel.now + 5)
    }
    kernel.run(kernel.now + 60_000)
    expect(atServer.map(([, part]) => part)).toEqual(sent)
    const delays = atServer.map(([ms], index) => ms - 20 - 5 * index)
    expect(Math.max(...delays)).toBeGreaterThan(200)
  })

  it('take the time that the bandwidth allows', () => {
    const { kernel, client, atServer } = connected({ latencyMs: 10, bandwidth: 100 })
    client.write(Buffer.alloc(5_000, 'x'))
    client.write(text('end'))
    kernel.run(1_000)
    expect(atServer.at(-1)![1]).toMatch(/end$/)
    expect(atServer.at(-1)![0] - 20).toBeCloseTo(60, 0)
  })

  it('share the bandwidth of their path with other connections', () => {
    const { kernel, network, client, atServer } = connected({ latencyMs: 10, bandwidth: 100 })
    network.dial({ address: ADDRESS, port: 443, onConnected: (end) => end.write(Buffer.alloc(5_000)), onFailed() {} })
    kernel.run(50)
    client.write(text('behind them'))
    kernel.run(1_000)
    // The other connection writes 20 ms after its dial, and its bytes take 50 ms.
    expect(atServer.at(-1)![0]).toBeCloseTo(20 + 20 + 50 + 10, 0)
  })

  it('are read in slices where the path makes them', () => {
    const { kernel, client, atServer } = connected({ latencyMs: 1, sliceBytes: 2 })
    client.write(text('abcde'))
    kernel.run(100)
    expect(atServer.map(([, part]) => part)).toEqual(['ab', 'cd', 'e'])
  })

  it('wait for a reader that pauses, and then stop their sender', () => {
    const { kernel, client, server, atClient } = connected({ latencyMs: 1 })
    server.pause()
    let isReady = true
    for (let part = 0; part < 20; part++) isReady = client.write(Buffer.alloc(65_536))
    expect(isReady).toBe(false)
    kernel.run(100)
    expect(atClient).toEqual([])
    server.resume()
    kernel.run(200)
    expect(atClient.map(([, event]) => event)).toEqual(['drain'])
  })
})

describe('a path that is gone', () => {
  it('delivers after it is back, once the sender retransmits', () => {
    const { kernel, machine, client, atServer } = connected({ latencyMs: 10 })
    machine.passes.toServer = false
    client.write(text('late'))
    kernel.run(1_000)
    expect(atServer).toEqual([])
    machine.passes.toServer = true
    kernel.run(10_000)
    // Retransmissions come 200, 400, 800 ms … after each other.
    expect(atServer).toEqual([[30 + 200 + 400 + 800, 'late']])
  })

  it('ends the connection of a sender that gives up', () => {
    const { kernel, machine, client, atClient } = connected({ latencyMs: 10 })
    machine.passes.toServer = false
    client.write(text('lost'))
    kernel.run(GIVE_UP_MS - 60_000)
    expect(atClient).toEqual([])
    kernel.run(GIVE_UP_MS + 130_000)
    expect(atClient.map(([, event]) => event)).toEqual(['ETIMEDOUT'])
  })

  it('is noticed by keepalive: 60 s without a byte, then ten probes', () => {
    const { kernel, machine, client, atClient } = connected({ latencyMs: 10 })
    client.flow.setKeepAlive(60_000)
    machine.passes.toClient = false
    kernel.run(60_000 + 20)
    expect(atClient).toEqual([])
    kernel.run(72_000)
    expect(atClient).toEqual([[20 + 70_000, 'ETIMEDOUT']])
  })

  it('is noticed by keepalive after a suspend in which the server has closed and given up its last bytes', () => {
    const { kernel, client, server, atClient } = connected({ latencyMs: 10 })
    client.flow.setKeepAlive(60_000)
    kernel.suspend(7_200_000)
    server.write(text('last'))
    server.close()
    kernel.run(7_200_000)
    expect(atClient).toEqual([])
    kernel.run(7_262_000)
    expect(atClient.map(([, event]) => event)).toEqual(['ECONNRESET'])
  })

  it('is not noticed by keepalive while sent bytes are unacknowledged', () => {
    const { kernel, machine, client, atClient } = connected({ latencyMs: 10 })
    client.flow.setKeepAlive(60_000)
    machine.passes.toServer = false
    client.write(text('unacknowledged'))
    kernel.run(300_000)
    expect(atClient).toEqual([])
  })
})

describe('a dial', () => {
  it('times out after two minutes in which the machine of the client is awake', () => {
    const { kernel, machine, network } = newNetwork({ latencyMs: 10 })
    machine.acceptance = 'ignores'
    const failures: [number, string][] = []
    network.dial({ address: ADDRESS, port: 443, onConnected() {}, onFailed: (code) => failures.push([kernel.now, code]) })
    kernel.run(60_000)
    kernel.suspend(7_200_000)
    kernel.run(7_260_000)
    expect(failures).toEqual([])
    kernel.run(7_400_000)
    expect(failures.map(([, code]) => code)).toEqual(['ETIMEDOUT'])
    expect(failures[0]![0]).toBeGreaterThan(7_200_000 + 120_000)
  })
})

describe('a NAT that forgets', () => {
  it('drops what comes after a long silence', () => {
    const { kernel, client, atServer, atClient } = connected({ latencyMs: 10, nat: { forgetAfterMs: 300_000, mode: 'drop' } })
    kernel.run(299_000)
    client.write(text('in time'))
    kernel.run(700_000)
    client.write(text('too late'))
    kernel.run(800_000)
    expect(atServer.map(([, part]) => part)).toEqual(['in time'])
    expect(atClient).toEqual([])
  })

  it('or resets the connection', () => {
    const { kernel, client, atClient } = connected({ latencyMs: 10, nat: { forgetAfterMs: 300_000, mode: 'reset' } })
    kernel.run(400_000)
    client.write(text('too late'))
    kernel.run(401_000)
    expect(atClient).toEqual([[400_010, 'ECONNRESET']])
  })

  it('remembers a connection with keepalive', () => {
    const { kernel, client, atServer } = connected({ latencyMs: 10, nat: { forgetAfterMs: 300_000, mode: 'drop' } })
    client.flow.setKeepAlive(60_000)
    kernel.run(1_000_000)
    client.write(text('still there'))
    kernel.run(1_001_000)
    expect(atServer.map(([, part]) => part)).toEqual(['still there'])
  })
})

describe('ends', () => {
  it('a closed end answers what arrives later by RST', () => {
    const { kernel, client, server, atClient } = connected({ latencyMs: 10 })
    server.close()
    kernel.run(100)
    client.write(text('crossed'))
    kernel.run(200)
    expect(atClient.map(([, event]) => event)).toEqual(['FIN', 'ECONNRESET'])
  })

  it('an end that is closed with unread bytes resets at once', () => {
    const { kernel, client, server, atClient } = connected({ latencyMs: 10 })
    server.pause()
    client.write(text('unread'))
    kernel.run(100)
    server.close()
    kernel.run(200)
    expect(atClient.map(([, event]) => event)).toEqual(['ECONNRESET'])
  })

  it('a frozen process reads later, while its kernel accepts', () => {
    const { kernel, machine, client, atServer } = connected({ latencyMs: 10 })
    machine.freeze(5_000)
    client.write(text('waits'))
    kernel.run(4_000)
    expect(atServer).toEqual([])
    kernel.run(6_000)
    expect(atServer).toEqual([[5_000, 'waits']])
  })
})

describe('dials', () => {
  it.each([
    ['refuses', 'ECONNREFUSED', 20],
    ['ignores', 'ETIMEDOUT', 127_000],
  ] as const)('a machine that %s SYN: %s after %d ms', (acceptance, code, ms) => {
    const { kernel, machine, network } = newNetwork({ latencyMs: 10 })
    machine.acceptance = acceptance
    network.listen(ADDRESS, 443, () => undefined)
    const failures: [number, string][] = []
    network.dial({ address: ADDRESS, port: 443, onConnected() {}, onFailed: (failed) => failures.push([kernel.now, failed]) })
    kernel.run(200_000)
    expect(failures).toEqual([[ms, code]])
  })

  it('SYN is sent again until it is answered', () => {
    const { kernel, machine, network } = newNetwork({ latencyMs: 10 })
    network.listen(ADDRESS, 443, () => undefined)
    machine.acceptance = 'ignores'
    const times: number[] = []
    network.dial({ address: ADDRESS, port: 443, onConnected: () => times.push(kernel.now), onFailed() {} })
    kernel.run(5_000)
    machine.acceptance = 'accepts'
    kernel.run(20_000)
    expect(times).toEqual([7_020])
  })

  it('an address without a machine is unreachable', () => {
    const { kernel, network } = newNetwork({ latencyMs: 10 })
    const failures: string[] = []
    network.dial({ address: '10.9.9.9', port: 443, onConnected() {}, onFailed: (code) => failures.push(code) })
    kernel.run(10)
    expect(failures).toEqual(['EHOSTUNREACH'])
  })
})
