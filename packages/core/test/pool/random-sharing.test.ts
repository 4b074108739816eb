/** Random events in random order: every queued request is served once after the servers recover, as the policy allows, and nothing is left over. */

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

class World {
  readonly clock = new FakeClock(1)
  readonly connector = new FakeConnector()
  readonly connections: FakeConnection[] = []
  readonly calls: RandomCall[] = []
  readonly denied = new Set<string>()
  readonly wrong: string[] = []
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
    const one = new RandomCall(this, target)
    this.calls.push(one)
    const member = this.pool.acquire(target, one)
    if (member !== undefined) one.onMember(member)
  }

  /** Ends the oldest dial. */
  async dialed(sane: boolean): Promise<void> {
    const dial = this.connector.dials[this.#dialed]
    if (dial === undefined) return
    this.#dialed++
    if (!sane && this.int(4) === 0) return dial.fail(new Error('refused'))
    const options = {
      places: this.pick([0, 1, 1, 2, 100])!,
      confirmed: this.int(3) > 0,
      protocol: this.int(6) === 0 ? 'http/1.1' : 'h2',
    }
    // A dial that no request waits for is over.
    if (dial.signal.aborted) return
    this.connections.push(await dial.succeed(sane ? {} : (options as object)))
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
  left = false
  readonly #world: World
  readonly target

  constructor(world: World, target: World['targets'][number]) {
    super()
    this.#world = world
    this.target = target
  }

  override onMember(member: Member): void {
    const { connection, coalesced } = member
    const { denied, wrong } = this.#world
    const { origin } = this.target
    if (this.left || this.member !== undefined || this.error !== undefined) wrong.push('called twice, or after it had left')
    if (connection.capacity === 0) wrong.push('no room')
    if (!coalesced && connection.route.origin !== origin) wrong.push('not its own')
    if (coalesced && denied.has(keyOf(connection, origin))) wrong.push('denied')
    if (coalesced && connection.originSet?.has(origin.serialized) === false) wrong.push('not in the Origin Set')
    super.onMember(member)
  }

  override onClosed(): void {
    super.onClosed()
    if (this.member?.trial === 'sent') this.#world.pool.unanswered(this.target, this.member)
  }
}

/** The possible events. */
const EVENTS: readonly ((world: World, connection: FakeConnection | undefined) => unknown)[] = [
  (world) => world.call(),
  (world) => world.call(),
  (world) => world.dialed(false),
  (world) => world.dialed(false),
  (world) => world.pass(world.pick([100, 300, 1_000, 4_000])!),
  (world) => {
    world.connector.table[world.pick(HOSTS)!] = world.pick(ADDRESSES)!
  },
  (world) => {
    const one = world.pick(world.calls.filter(({ member, error }) => member === undefined && error === undefined))
    if (one === undefined) return
    one.left = true
    world.pool.leave(one.target, one)
  },
  (world) => {
    const one = world.pick(world.calls.filter(({ member, over }) => member?.coalesced === true && !over))
    if (one === undefined) return
    world.pool.misdirected(one.target, one.member!.connection, 421)
    world.call(one.target)
  },
  (world) => {
    const originPool = world.pool.find(world.pick(world.targets)!)
    if (originPool !== undefined) void world.pool.closeOriginPool(originPool)
  },
  (world, connection) => {
    if (connection !== undefined && connection.active > 0) connection.finish(world.pick([...connection.observers])!)
  },
  (world, connection) => {
    if (connection !== undefined) connection.places = world.pick([0, 1, 2, 50])!
  },
  (_world, connection) => {
    if (connection !== undefined) connection.needsVerification = true
  },
  (world, connection) => {
    if (connection?.protocol !== 'h2') return
    const more = HOSTS.filter(() => world.int(2) === 0).map((host) => parseOrigin(`https://${host}`).serialized)
    connection.originSet = new Set([connection.route.origin.serialized, ...(connection.originSet ?? []), ...more])
  },
  (world, connection) => world.int(3) === 0 && connection?.enter('draining'),
]

/** All servers answer and have capacity. */
async function recover(world: World): Promise<void> {
  for (let round = 0; round < 10; round++) {
    while (world.dialing) await world.dialed(true)
    for (const connection of world.connections) {
      Object.assign(connection, { confirmed: true, places: 100, needsVerification: false, verifying: false })
      if (connection.state === 'open') connection.onChange!()
      while (connection.active > 0) connection.finish()
    }
    await world.pass(500)
  }
}

it.each(Array.from({ length: 300 }, (_, seed) => seed + 1))('seed %d', async (seed) => {
  const world = new World(seed)
  for (let step = 0; step < 80; step++) {
    const connection = world.pick(world.connections.filter(({ state }) => state === 'open'))
    await world.pick(EVENTS)!(world, connection)
    if (connection?.state === 'open') connection.onChange!()
    await turn()
  }
  await recover(world)
  expect(world.wrong).toEqual([])
  expect(world.calls.filter(({ left, member, error }) => !left && member === undefined && error === undefined)).toEqual([])
  for (const connection of world.connections) connection.enter('closed')
  await world.pass(2_000)
  expect([...world.pool.originPools, ...world.pool.connections]).toEqual([])
  // A request that left before its connection was ready left it to the next.
  expect(['first-connection', 'misdirected-before']).toContain((await world.pool.explain(world.targets[0]!)).because)
  expect(world.clock.referenced).toBe(0)
})
