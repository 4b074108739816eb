/** Dials and waits for pending dials of other origins, without sockets. */

import { FakeClock } from '@unshard/testkit'
import { Diagnostics } from '../../src/diagnostics/diagnostics.js'
import { isConnection, type ReusePolicy, sameOrigin } from '../../src/index.js'
import { Dialer } from '../../src/pool/dialer.js'
import type { Member } from '../../src/pool/member.js'
import { Permits } from '../../src/pool/permits.js'
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

function makeDialer(policy: ReusePolicy = sharing, table: Record<string, string | string[]> = {}, random = () => 0) {
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
    permits: new Permits({ closeIdleUnder: () => undefined }),
    connectTimeoutMs: 10_000,
    random,
    events: {
      onConnected: (connection, _target, dial) => {
        registered.push(connection as FakeConnection)
        index.addConnection(connection)
        dial.end()
      },
      onDialFailed: () => undefined,
      onEstablished: () => undefined,
      onDial: () => {
        dialed++
      },
    },
  })
  /** Starts a pursuit with waiting requests, which lasts until `stop` is aborted. */
  const obtain = (target: PoolTarget): Promise<Member> => {
    const pursuit = new Pursuit(clock, 0, () => true)
    stop.signal.addEventListener('abort', () => pursuit.abort(stop.signal.reason))
    return dialer.obtain(target, pursuit)
  }
  return { clock, connector, index, stop, registered, dialer, obtain, dialed: () => dialed }
}

/** Returns the candidates at the shared address. */
function candidates(index: CandidateIndex) {
  return index.find({ ...A, addresses: [{ address: '192.0.2.1', family: 4 }] })
}

/** Records the outcome of a promise. */
function outcomeOf(promise: Promise<Member>): { member?: Member; error?: unknown } {
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

describe('the dialer', () => {
  it('resolves no name behind a proxy, calls no policy, and offers the dial to no other request', async () => {
    const { obtain, connector, registered, index } = makeDialer()
    const proxy = { name: 'http://proxy.example:80', key: 'p' }
    const first = outcomeOf(obtain({ ...A, proxy }))
    await turn()
    const second = outcomeOf(obtain({ ...B, proxy }))
    await turn()
    expect(connector.resolved).toEqual([])
    expect(index.empty).toBe(true)
    expect(connector.dials).toHaveLength(2)
    for (const dial of connector.dials) await dial.succeed()
    expect([first.member?.because, second.member?.because]).toEqual(['proxied', 'proxied'])
    expect(first.member?.connection).not.toBe(second.member?.connection)
    expect(registered.map(({ route }) => route.proxy)).toEqual([proxy.name, proxy.name])
  })

  it('registers the first connection before it is returned, and lists no other', async () => {
    const { obtain, connector, registered, index } = makeDialer()
    const first = outcomeOf(obtain(A))
    await turn()
    expect(connector.dials).toHaveLength(1)
    expect(candidates(index)).toMatchObject([{ origin: A.origin, port: 443 }])
    const connection = await connector.dials[0]!.succeed()
    expect(registered).toEqual([connection])
    expect(first.member).toEqual({ connection, coalesced: false, because: 'first-connection' })
    expect(candidates(index)).toEqual([connection])
  })

  it('uses an open connection without a dial if the policy allows it', async () => {
    const { obtain, connector, dialed } = makeDialer()
    outcomeOf(obtain(A))
    await turn()
    const connection = await connector.dials[0]!.succeed()
    const second = outcomeOf(obtain(B))
    await turn()
    expect(second.member).toMatchObject({ connection, coalesced: true, because: 'shared' })
    expect(dialed()).toBe(1)
  })

  it('lets a second host wait for the handshake of the first and share its connection', async () => {
    const { obtain, connector, clock } = makeDialer()
    outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(1)
    expect(clock.pending).toBe(1)
    const connection = await connector.dials[0]!.succeed()
    expect(second.member).toMatchObject({ connection, coalesced: true })
    expect(clock.pending).toBe(0)
  })

  it('waits for a dial only if the policy requests it', async () => {
    const { obtain, connector, clock } = makeDialer(sameOrigin())
    outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    expect(connector.dials.map(({ target }) => target.origin.host)).toEqual(['a.example', 'b.example'])
    expect(clock.pending).toBe(0)
    await connector.dials[1]!.succeed()
    expect(second.member).toMatchObject({ coalesced: false, because: 'coalescing-off' })
  })

  it('neither waits for a dial to another address nor offers it to the policy', async () => {
    const { obtain, connector } = makeDialer(sharing, { 'b.example': '192.0.2.2' })
    outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(2)
    await connector.dials[1]!.succeed()
    expect(second.member?.because).toBe('address-differs')
  })

  it('offers a dial under every address that it has tried', async () => {
    const { obtain, connector } = makeDialer(sharing, { 'b.example': '192.0.2.2' })
    outcomeOf(obtain(A))
    await turn()
    connector.dials[0]!.progress.onAttempt({ address: '192.0.2.2', family: 4 })
    outcomeOf(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(1)
  })

  it('lets a request wait up to 250 ms from the start of another dial, then dials for it', async () => {
    const { obtain, connector, clock } = makeDialer()
    outcomeOf(obtain(A))
    await turn()
    clock.advance(100)
    outcomeOf(obtain(B))
    await turn()
    clock.advance(149)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('counts the wait from the first attempt, so that loading modules does not count against the server', async () => {
    const { obtain, connector, clock } = makeDialer()
    connector.attemptsAtOnce = false
    outcomeOf(obtain(A))
    await turn()
    outcomeOf(obtain(B))
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

  it('waits 4 times the TCP connect time on a slow path, extended at 250 ms', async () => {
    const { obtain, connector, clock } = makeDialer()
    outcomeOf(obtain(A))
    outcomeOf(obtain(B))
    await turn()
    clock.advance(200)
    connector.dials[0]!.progress.onTcpConnected()
    clock.advance(599)
    await turn()
    // The timer for 250 ms fires in one jump and is set again for the remaining time.
    clock.advance(0)
    await turn()
    expect(connector.dials).toHaveLength(1)
    clock.advance(1)
    await turn()
    expect(connector.dials).toHaveLength(2)
  })

  it('dials for the first of many requests after a slow handshake; the others wait for either dial', async () => {
    const chances = [1, 0.5, 0, 0.2]
    const { obtain, connector, clock } = makeDialer(sharing, {}, () => chances.shift() ?? 0)
    outcomeOf(obtain(A))
    const others = ['b', 'c', 'd', 'e'].map((host) => outcomeOf(obtain(targetOf(`https://${host}.example`))))
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

  it('dials for a host that has waited for three handshakes', async () => {
    const { obtain, connector, clock } = makeDialer()
    const hosts = ['a', 'b', 'c', 'd', 'e', 'f'].map((host) => targetOf(`https://${host}.example`))
    // One after the other, each early enough that the next host waits for it.
    for (const target of hosts) {
      outcomeOf(obtain(target))
      await turn()
    }
    for (let ms = 0; ms < 1_000; ms++) {
      clock.advance(1)
      await turn()
    }
    expect(connector.dials).toHaveLength(6)
  })

  it('dials for a waiting request at once after another dial fails', async () => {
    const { obtain, connector, clock } = makeDialer()
    const first = outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    const failure = new Error('handshake failed')
    await connector.dials[0]!.fail(failure)
    expect(first.error).toBe(failure)
    expect(connector.dials).toHaveLength(2)
    expect(clock.now()).toBe(0)
    await connector.dials[1]!.succeed()
    expect(second.member).toMatchObject({ coalesced: false })
  })

  it('dials for one of several waiting requests; the others wait for that dial', async () => {
    const { obtain, connector } = makeDialer()
    outcomeOf(obtain(A))
    const others = [B, targetOf('https://c.example'), targetOf('https://d.example')].map((each) => outcomeOf(obtain(each)))
    await turn()
    await connector.dials[0]!.fail(new Error('no'))
    expect(connector.dials).toHaveLength(2)
    const connection = await connector.dials[1]!.succeed()
    expect(others.map(({ member }) => member?.connection)).toEqual([connection, connection, connection])
  })

  it('calls the policy again after a dial: if a connection can be shared, the new one is closed', async () => {
    const { obtain, connector, clock, registered } = makeDialer()
    outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    clock.advance(250)
    await turn()
    expect(connector.dials).toHaveLength(2)
    const shared = await connector.dials[0]!.succeed()
    const own = await connector.dials[1]!.succeed()
    expect(second.member).toMatchObject({ connection: shared, coalesced: true, because: 'shared' })
    expect(own.closes).toBe(1)
    expect(registered).toEqual([shared])
  })

  it('keeps a new HTTP/1.1 connection, because it cannot be shared', async () => {
    const { obtain, connector, clock } = makeDialer()
    outcomeOf(obtain(A))
    const second = outcomeOf(obtain(B))
    await turn()
    clock.advance(250)
    await turn()
    await connector.dials[0]!.succeed()
    const own = await connector.dials[1]!.succeed({ protocol: 'http/1.1' })
    expect(second.member).toEqual({ connection: own, coalesced: false, because: 'handshake-too-slow' })
  })

  it('dials a dedicated connection without calling the policy, and never shares it', async () => {
    const { dialer, obtain, connector, registered, index, dialed } = makeDialer()
    const first = outcomeOf(
      dialer.dedicated(
        A,
        Object.assign(new AbortController(), { waits: false, wanted: true, overdue: false, onOverdue: undefined }),
      ),
    )
    await turn()
    outcomeOf(obtain(B))
    await turn()
    expect(connector.dials).toHaveLength(2)
    const connection = await connector.dials[0]!.succeed()
    expect(first.member).toMatchObject({ connection, coalesced: false, because: 'connection-close' })
    expect(registered).toEqual([])
    expect(candidates(index)).not.toContain(connection)
    expect(dialed()).toBe(2)
  })

  it('ends every dial and every wait with the pool', async () => {
    const { obtain, stop, index } = makeDialer()
    const first = outcomeOf(obtain(A))
    await turn()
    const reason = new Error('the client was destroyed')
    stop.abort(reason)
    await turn()
    expect(first.error).toBe(reason)
    expect(index.empty).toBe(true)
  })
})
