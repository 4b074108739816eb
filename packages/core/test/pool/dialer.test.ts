import { FakeClock } from '@unshard/testkit'
import { Diagnostics } from '../../src/diagnostics.js'
import { isConnection, type ReusePolicy, sameOrigin } from '../../src/index.js'
import { Dialer } from '../../src/pool/dialer.js'
import type { Member } from '../../src/pool/member.js'
import { Pursuit } from '../../src/pool/pursuit.js'
import { CandidateIndex } from '../../src/pool/reuse/candidate-index.js'
import { ReuseLookup } from '../../src/pool/reuse/reuse-lookup.js'
import type { PoolTarget } from '../../src/transport/target.js'
import { type FakeConnection, FakeConnector, targetOf, turn } from './fakes.js'

const A = targetOf('https://a.example')
const B = targetOf('https://b.example')

/** Shares every connection to the same address. */
const sharing: ReusePolicy = {
  verdict: (candidate) =>
    isConnection(candidate) ? { use: true, because: 'shared' } : { wait: true, because: 'handshake-under-way' },
  misdirected: () => undefined,
}

function make(policy: ReusePolicy = sharing, table: Record<string, string | string[]> = {}, random = () => 0) {
  const clock = new FakeClock()
  const connector = new FakeConnector(table)
  const index = new CandidateIndex()
  const stop = new AbortController()
  const registered: FakeConnection[] = []
  let dialed = 0
  const reuse = new ReuseLookup({ policy, index, diagnostics: new Diagnostics(), lifetimes: { isPastAge: () => false } })
  const dialer = new Dialer({
    connector: connector.asConnector,
    reuse,
    index,
    clock,
    connectTimeoutMs: 10_000,
    random,
    events: {
      onConnected: (connection, _target, dial) => {
        registered.push(connection as FakeConnection)
        index.addConnection(connection)
        dial.end()
      },
      onEstablished: () => undefined,
      onDial: () => {
        dialed++
      },
    },
  })
  /** A pursuit with waiting requests, until `stop` is aborted. */
  const obtain = (target: PoolTarget): Promise<Member> => {
    const pursuit = new Pursuit(clock, 0, () => true)
    stop.signal.addEventListener('abort', () => pursuit.abort(stop.signal.reason))
    return dialer.obtain(target, pursuit)
  }
  return { clock, connector, index, stop, registered, dialer, obtain, dialed: () => dialed }
}

/** The candidates at the shared address. */
function found(index: CandidateIndex) {
  return index.find({ ...A, addresses: [{ address: '192.0.2.1', family: 4 }] })
}

/** The state of a promise. */
function watch(promise: Promise<Member>): { member?: Member; error?: unknown } {
  const outcome: { member?: Member; error?: unknown } = {}
  promise.then(
    (member) => {
      outcome.member = member
    },
    (error: unknown) => {
      outcome.error = error
    },
  )
  return outcome
}

describe('Dialing', () => {
  it('through a proxy no name is resolved, no policy is asked, and no request can find the dial', async () => {
    const { obtain, connector, registered, index } = make()
    const proxy = { name: 'http://proxy.example:80', key: 'p' }
    const one = watch(obtain({ ...A, proxy }))
    await turn()
    const other = watch(obtain({ ...B, proxy }))
    await turn()
    expect(connector.resolved).toEqual([])
    expect(index.empty).toBe(true)
    expect(connector.dials).toHaveLength(2)
    for (const dial of connector.dials) await dial.succeed()
    expect([one.member?.because, other.member?.because]).toEqual(['proxied', 'proxied'])
    expect(one.member?.connection).not.toBe(other.member?.connection)
    expect(registered.map(({ route }) => route.proxy)).toEqual([proxy.name, proxy.name])
  })

  it('the first connection is dialed, registered before it is returned, and the only one in the index', async () => {
    const { obtain, connector, registered, index } = make()
    const one = watch(obtain(A))
    await turn()
    expect(connector.dials).toHaveLength(1)
    expect(found(index)).toMatchObject([{ origin: A.origin, port: 443 }])
    const connection = await connector.dials[0]!.succeed()
    expect(registered).toEqual([connection])
    expect(one.member).toEqual({ connection, coalesced: false, because: 'first-connection' })
    expect(found(index)).toEqual([connection])
  })

  it('an open connection is used without a dial if the policy allows it', async () => {
    const { obtain, connector, dialed } = make()
    watch(obtain(A))
    await turn()
    const connection = await connector.dials[0]!.succeed()
    const other = watch(obtain(B))
    await turn()
    expect(other.member).toMatchObject({ connection, coalesced: true, because: 'shared' })
    expect(dialed()).toBe(1)
  })

  it('a second host waits for the handshake of the first, and shares its connection', async () => {
    const { obtain, connector, clock } = make()
    watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(1)
    expect(clock.pending).toBe(1)
    const connection = await connector.dials[0]!.succeed()
    expect(other.member).toMatchObject({ connection, coalesced: true })
    expect(clock.pending).toBe(0)
  })

  it('a dial is not waited for unless the policy says so', async () => {
    const { obtain, connector, clock } = make(sameOrigin())
    watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    expect(connector.dials.map(({ target }) => target.origin.host)).toEqual(['a.example', 'b.example'])
    expect(clock.pending).toBe(0)
    await connector.dials[1]!.succeed()
    expect(other.member).toMatchObject({ coalesced: false, because: 'coalescing-off' })
  })

  it('a dial to a different address is neither waited for nor offered to the policy', async () => {
    const { obtain, connector } = make(sharing, { 'b.example': '192.0.2.2' })
    watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(2)
    await connector.dials[1]!.succeed()
    expect(other.member?.because).toBe('address-differs')
  })

  it('a dial is found under every address it has tried', async () => {
    const { obtain, connector } = make(sharing, { 'b.example': '192.0.2.2' })
    watch(obtain(A))
    await turn()
    connector.dials[0]!.progress.onAttempt({ address: '192.0.2.2', family: 4 })
    watch(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(1)
  })

  it('a request waits up to 250 ms from the start of another dial, then dials itself', async () => {
    const { obtain, connector, clock } = make()
    watch(obtain(A))
    await turn()
    clock.advance(100)
    watch(obtain(B))
    await turn()
    clock.advance(149)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('the wait counts from the first attempt, so that loading modules does not count against the server', async () => {
    const { obtain, connector, clock } = make()
    connector.attemptsAtOnce = false
    watch(obtain(A))
    await turn()
    watch(obtain(B))
    await turn()
    clock.advance(200)
    connector.dials[0]!.progress.onAttempt({ address: '192.0.2.1', family: 4 })
    clock.advance(249)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('on a slow path the wait is 4 times the TCP connect time, extended at 250 ms', async () => {
    const { obtain, connector, clock } = make()
    watch(obtain(A))
    watch(obtain(B))
    await turn()
    clock.advance(200)
    connector.dials[0]!.progress.onTcpConnected()
    clock.advance(599)
    await turn()
    // The timer for 250 ms fires in one jump, and is set again for the rest.
    clock.advance(0)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('when many requests have waited for a slow handshake, the first dials and the others wait for either dial', async () => {
    const chances = [1, 0.5, 0, 0.2]
    const { obtain, connector, clock } = make(sharing, {}, () => chances.shift() ?? 0)
    watch(obtain(A))
    const others = ['b', 'c', 'd', 'e'].map((host) => watch(obtain(targetOf(`https://${host}.example`))))
    await turn()
    for (let ms = 0; ms < 250; ms++) {
      clock.advance(1)
      await turn()
    }
    expect(connector.dials.map(({ target }) => target.origin.host)).toEqual(['a.example', 'b.example'])
    const slow = await connector.dials[0]!.succeed()
    expect(others.slice(1).map(({ member }) => member?.connection)).toEqual([slow, slow, slow])
    await connector.dials[1]!.succeed()
    expect(others[0]!.member?.connection).toBe(slow)
  })

  it('a host that has waited for three handshakes dials itself', async () => {
    const { obtain, connector, clock } = make()
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].map((host) => targetOf(`https://${host}.example`))
    // One after the other, each in time for the next host to wait for it.
    for (const target of hosts) {
      watch(obtain(target))
      await turn()
    }
    for (let ms = 0; ms < 1_000; ms++) {
      clock.advance(1)
      await turn()
    }
    expect(connector.dials).toHaveLength(6)
  })

  it('after a failed dial the waiting request dials at once', async () => {
    const { obtain, connector, clock } = make()
    const one = watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    const failure = new Error('handshake failed')
    await connector.dials[0]!.fail(failure)
    expect(one.error).toBe(failure)
    expect(connector.dials).toHaveLength(2)
    expect(clock.now()).toBe(0)
    await connector.dials[1]!.succeed()
    expect(other.member).toMatchObject({ coalesced: false })
  })

  it('of several waiting requests one dials, and the others wait for its dial', async () => {
    const { obtain, connector } = make()
    watch(obtain(A))
    const others = [B, targetOf('https://c.example'), targetOf('https://d.example')].map((each) => watch(obtain(each)))
    await turn()
    await connector.dials[0]!.fail(new Error('no'))
    expect(connector.dials).toHaveLength(2)
    const connection = await connector.dials[1]!.succeed()
    expect(others.map(({ member }) => member?.connection)).toEqual([connection, connection, connection])
  })

  it('after a dial the policy is asked again: if a shareable connection came up, the new one is closed', async () => {
    const { obtain, connector, clock, registered } = make()
    watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    clock.advance(250)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const shared = await connector.dials[0]!.succeed()
    const own = await connector.dials[1]!.succeed()
    expect(other.member).toMatchObject({ connection: shared, coalesced: true, because: 'shared' })
    expect(own.closes).toBe(1)
    expect(registered).toEqual([shared])
  })

  it('a new connection that speaks HTTP/1.1 is kept, because it cannot be shared', async () => {
    const { obtain, connector, clock } = make()
    watch(obtain(A))
    const other = watch(obtain(B))
    await turn()
    clock.advance(250)
    await turn()
    await connector.dials[0]!.succeed()
    const own = await connector.dials[1]!.succeed({ protocol: 'http/1.1' })
    expect(other.member).toEqual({ connection: own, coalesced: false, because: 'handshake-too-slow' })
  })

  it('a dedicated connection is dialed without asking the policy, and never shared', async () => {
    const { dialer, obtain, connector, registered, index, dialed } = make()
    const one = watch(dialer.dedicated(A, new AbortController().signal))
    await turn()
    watch(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(2)
    const connection = await connector.dials[0]!.succeed()
    expect(one.member).toEqual({ connection, coalesced: false, because: 'connection-close' })
    expect(registered).toEqual([])
    expect(found(index)).not.toContain(connection)
    expect(dialed()).toBe(2)
  })

  it('the end of the pool ends every dial, and every wait for one', async () => {
    const { obtain, stop, index } = make()
    const one = watch(obtain(A))
    await turn()
    const reason = new Error('the client was destroyed')
    stop.abort(reason)
    await turn()
    expect(one.error).toBe(reason)
    expect(index.empty).toBe(true)
  })
})
