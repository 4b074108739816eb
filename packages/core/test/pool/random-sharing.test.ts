/**
 * Random events in random order. After the servers recover, every queued request is served once,
 * as the policy allows, and the pool is empty.
 */

import { FakeClock } from '@unshard/testkit'
import { isConnection, type Origin, parseOrigin, type ReusePolicy, type Verdict } from '../../src/index.js'
import type { Member } from '../../src/pool/member.js'
import { FakeCall, type FakeConnection, FakeConnector, poolOf, targetOf, turn } from './fakes.js'

const HOSTS = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example`)
const ADDRESSES = ['192.0.2.1', '192.0.2.2']

/** A deterministic random generator. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) >>> 0
    return (state >>> 8) % below
  }
}

class Simulation {
  readonly clock = new FakeClock(1)
  readonly connector = new FakeConnector()
  readonly connections: FakeConnection[] = []
  readonly calls: RandomCall[] = []
  readonly denied = new Set<string>()
  readonly violations: string[] = []
  readonly int: (below: number) => number
  readonly targets
  readonly pool
  #dialed = 0

  constructor(seed: number) {
    this.int = numbers(seed)
    for (const host of HOSTS) this.connector.table[host] = this.pick(ADDRESSES)!
    const ttlMs = this.pick([Number.POSITIVE_INFINITY, 500, 5_000, 0])!
    const { connector, clock } = this
    const resolve = connector.resolve.bind(connector)
    connector.resolve = async (target) => ({ ...(await resolve(target)), expiresAt: clock.now() + ttlMs })
    this.targets = HOSTS.map((host) => {
      const maxConnectionsPerOrigin = 1 + this.int(3)
      const settings = {
        maxConnectionsPerOrigin,
        minConnectionsPerOrigin: Math.min(maxConnectionsPerOrigin, 1 + this.int(2)),
        idleTimeoutMs: 3_000,
      }
      return targetOf(`https://${host}`, 'key', settings)
    })
    this.pool = poolOf(connector, clock, this.#policy())
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.int(list.length)]
  }

  call(target = this.pick(this.targets)!): void {
    const request = new RandomCall(this, target)
    this.calls.push(request)
    const member = this.pool.acquire(target, request)
    if (member !== undefined) request.onMember(member)
  }

  /** Ends the oldest pending dial. */
  async dialed(recovered: boolean): Promise<void> {
    const dial = this.connector.dials[this.#dialed]
    if (dial === undefined) return
    this.#dialed++
    if (!recovered && this.int(4) === 0) return dial.fail(new Error('refused'))
    const options = {
      places: this.pick([0, 1, 1, 2, 100])!,
      confirmed: this.int(3) > 0,
      protocol: this.int(6) === 0 ? 'http/1.1' : 'h2',
    }
    // A dial whose requests have all left is over.
    if (dial.signal.aborted) return
    this.connections.push(await dial.succeed(recovered ? {} : (options as object)))
  }

  get dialing(): boolean {
    return this.#dialed < this.connector.dials.length
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await turn()
      this.clock.advance(Math.min(100, left))
    }
    await turn()
  }

  #policy(): ReusePolicy {
    const no = (because: string): Verdict => ({ use: false, because })
    return {
      verdict: (candidate, { origin, addresses = [] }) => {
        if (!isConnection(candidate)) return { wait: true, because: 'handshake-under-way' }
        const { protocol, confirmed, originSet, route, capacity, active } = candidate
        if (protocol !== 'h2' || !confirmed || (capacity === 0 && active === 0)) return no('engine')
        if (originSet?.has(origin.serialized) === false) return no('origin-set')
        if (!addresses.some(({ address }) => address === route.remoteAddress)) return no('address')
        return this.denied.has(keyOf(candidate, origin)) ? no('denied') : { use: true, because: 'all', trial: this.int(5) === 0 }
      },
      misdirected: (connection, origin) => void this.denied.add(keyOf(connection, origin)),
    }
  }
}

function keyOf({ id }: { readonly id: number }, { host }: Origin): string {
  return `${id} ${host}`
}

class RandomCall extends FakeCall {
  abandoned = false
  readonly #world: Simulation
  readonly target

  constructor(simulation: Simulation, target: Simulation['targets'][number]) {
    super()
    this.#world = simulation
    this.target = target
  }

  override onMember(member: Member): void {
    const { connection, coalesced } = member
    const { denied, violations } = this.#world
    const { origin } = this.target
    if (this.abandoned || this.member !== undefined || this.error !== undefined)
      violations.push('called twice, or after it had left')
    if (connection.capacity === 0) violations.push('no room')
    if (!coalesced && connection.route.origin !== origin) violations.push('not its own')
    if (coalesced && denied.has(keyOf(connection, origin))) violations.push('denied')
    if (coalesced && connection.originSet?.has(origin.serialized) === false) violations.push('not in the Origin Set')
    super.onMember(member)
  }

  override onClosed(): void {
    super.onClosed()
    if (this.member?.trial === 'sent') this.#world.pool.outcomes.unanswered(this.target, this.member)
  }
}

/** The possible events. */
const EVENTS: readonly ((simulation: Simulation, connection: FakeConnection | undefined) => unknown)[] = [
  (simulation) => simulation.call(),
  (simulation) => simulation.call(),
  (simulation) => simulation.dialed(false),
  (simulation) => simulation.dialed(false),
  (simulation) => simulation.pass(simulation.pick([100, 300, 1_000, 4_000])!),
  (simulation) => {
    simulation.connector.table[simulation.pick(HOSTS)!] = simulation.pick(ADDRESSES)!
  },
  (simulation) => {
    const request = simulation.pick(simulation.calls.filter(({ member, error }) => member === undefined && error === undefined))
    if (request === undefined) return
    request.abandoned = true
    simulation.pool.leave(request.target, request)
  },
  (simulation) => {
    const request = simulation.pick(simulation.calls.filter(({ member, over }) => member?.coalesced === true && !over))
    if (request === undefined) return
    simulation.pool.outcomes.misdirected(request.target, request.member!.connection, 421)
    simulation.call(request.target)
  },
  (simulation) => {
    const originPool = simulation.pool.find(simulation.pick(simulation.targets)!)
    if (originPool !== undefined) void simulation.pool.closeOriginPool(originPool)
  },
  (simulation, connection) => {
    if (connection !== undefined && connection.active > 0) connection.finish(simulation.pick([...connection.observers])!)
  },
  (simulation, connection) => {
    if (connection !== undefined) connection.places = simulation.pick([0, 1, 2, 50])!
  },
  (_world, connection) => {
    if (connection !== undefined) connection.needsVerification = true
  },
  (simulation, connection) => {
    if (connection?.protocol !== 'h2') return
    const origins = HOSTS.filter(() => simulation.int(2) === 0).map((host) => parseOrigin(`https://${host}`).serialized)
    connection.originSet = new Set([connection.route.origin.serialized, ...(connection.originSet ?? []), ...origins])
  },
  (simulation, connection) => simulation.int(3) === 0 && connection?.enter('draining'),
]

/** Makes all servers answer, with capacity. */
async function recover(simulation: Simulation): Promise<void> {
  for (let round = 0; round < 10; round++) {
    while (simulation.dialing) await simulation.dialed(true)
    for (const connection of simulation.connections) {
      Object.assign(connection, { confirmed: true, places: 100, needsVerification: false, verifying: false })
      if (connection.state === 'open') connection.onChange!()
      while (connection.active > 0) connection.finish()
    }
    await simulation.pass(500)
  }
}

it.each(Array.from({ length: 300 }, (_, seed) => seed + 1))(
  'every request is served once, and the pool is empty at the end (seed %d)',
  async (seed) => {
    const simulation = new Simulation(seed)
    for (let step = 0; step < 80; step++) {
      const connection = simulation.pick(simulation.connections.filter(({ state }) => state === 'open'))
      await simulation.pick(EVENTS)!(simulation, connection)
      if (connection?.state === 'open') connection.onChange!()
      await turn()
    }
    await recover(simulation)
    expect(simulation.violations).toEqual([])
    expect(
      simulation.calls.filter(({ abandoned, member, error }) => !abandoned && member === undefined && error === undefined),
    ).toEqual([])
    for (const connection of simulation.connections) connection.enter('closed')
    await simulation.pass(2_000)
    expect([...simulation.pool.originPools, ...simulation.pool.connections]).toEqual([])
    // A dial whose request left early may have opened a connection for the next request.
    expect(['first-connection', 'misdirected-before']).toContain((await simulation.pool.explain(simulation.targets[0]!)).because)
    expect(simulation.clock.referenced).toBe(0)
  },
)
