import { compareSharing } from '../../src/judge/compare.js'
import { judgeContents } from '../../src/judge/rules/contents.js'
import { judgeExecution } from '../../src/judge/rules/execution.js'
import { judgeFairness } from '../../src/judge/rules/fairness.js'
import { judgeLoad } from '../../src/judge/rules/load.js'
import { judgeEnd, judgeIdle, judgeWindows } from '../../src/judge/rules/rest.js'
import { judgeRouting } from '../../src/judge/rules/routing.js'
import { judgeSettling } from '../../src/judge/rules/settling.js'
import type { WorldScript } from '../../src/script/script.js'
import type { Environment } from '../../src/world/environment.js'
import { arrival, broken, failed, madeUp, OK, OTHER, request } from './made-up.js'

/** Judges one world, and returns the rules that are broken. */
function judged(rule: (environment: Environment) => void, fill: (environment: Environment) => void, world = madeUp()): string[] {
  fill(world)
  rule(world)
  return broken(world)
}

describe('settling', () => {
  it('a request that settles once and in time is as it should be', () => {
    expect(judged(judgeSettling, (world) => request(world, { totalMs: 500 }))).toEqual([])
  })

  it('a request that never settles is found', () => {
    expect(judged(judgeSettling, (world) => Object.assign(request(world), { outcome: undefined }))).toEqual(['unsettled'])
  })

  it('except over HTTP/1.1 without TCP keepalive, where nothing notices a dead connection', () => {
    const options = { tcpKeepAlive: false }
    const unsettled = (world: Environment): unknown => Object.assign(request(world), { outcome: undefined })
    expect(judged(judgeSettling, unsettled, madeUp({ model: 'old', options }))).toEqual([])
    expect(judged(judgeSettling, unsettled, madeUp({ options }))).toEqual(['unsettled'])
  })

  it('a request that settles twice is found', () => {
    expect(judged(judgeSettling, (world) => request(world, {}, OK, { settled: 2 }))).toEqual(['settled-twice'])
  })

  it('an error without a code is found, unless its caller has aborted the request', () => {
    const untyped = {
      ...OK,
      status: undefined,
      error: { name: 'Error', code: '', message: 'x', phase: undefined, processed: undefined },
    }
    expect(judged(judgeSettling, (world) => request(world, {}, untyped))).toEqual(['untyped'])
    expect(judged(judgeSettling, (world) => request(world, { abortAfterMs: 500 }, untyped))).toEqual([])
  })

  it('a request that outlives its deadline is found, unless its process was busy', () => {
    const late = { ...OK, at: 9_000 }
    expect(judged(judgeSettling, (world) => request(world, { totalMs: 500 }, late))).toEqual(['late'])
    expect(judged(judgeSettling, (world) => request(world, { abortAfterMs: 500 }, late))).toEqual(['late'])
    expect(judged(judgeSettling, (world) => request(world, { totalMs: 500 }, late, { stalledAtEnd: 8_000 }))).toEqual([])
  })
})

describe('fairness', () => {
  const burst = (otherEndsAt: number) => (world: Environment) => {
    for (let i = 0; i < 20; i++) {
      request(world)
      request(world, { origin: `https://${OTHER}` }, { ...OK, at: otherEndsAt })
    }
  }

  it('an origin that waits much longer than another one at the same servers and time is found', () => {
    expect(judged(judgeFairness, burst(2_000))).toEqual([])
    expect(judged(judgeFairness, burst(9_000))).toEqual(['unfair'])
  })

  it('except where an address is ill, which one of them may dial', () => {
    expect(judged(judgeFairness, burst(9_000), madeUp({ ill: 'mute' }))).toEqual([])
  })
})

describe('execution', () => {
  it('a POST that is executed twice is found; a GET may be replayed twice, and no more', () => {
    const times = (count: number) => ({ arrivals: Array.from({ length: count }, arrival) })
    expect(judged(judgeExecution, (world) => request(world, { method: 'POST' }, OK, times(2)))).toEqual(['executed-again'])
    expect(judged(judgeExecution, (world) => request(world, { method: 'POST', keyed: true }, OK, times(2)))).toEqual([])
    expect(judged(judgeExecution, (world) => request(world, {}, OK, times(3)))).toEqual([])
    expect(judged(judgeExecution, (world) => request(world, {}, OK, times(4)))).toEqual(['executed-again'])
  })

  it('"processed" that lies is found', () => {
    expect(judged(judgeExecution, (world) => request(world, {}, failed({ processed: 'no' })))).toEqual(['processed-no'])
    const never = { arrivals: [] }
    expect(judged(judgeExecution, (world) => request(world, {}, failed({ processed: 'yes' }), never))).toEqual(['processed-yes'])
    expect(judged(judgeExecution, (world) => request(world, {}, failed({ processed: 'unknown' }), never))).toEqual([])
  })

  it('a response to a request that no server executed is found', () => {
    expect(judged(judgeExecution, (world) => request(world, {}, OK, { arrivals: [] }))).toEqual(['foreign-response'])
  })
})

describe('contents', () => {
  it('a short response that is called complete is found', () => {
    expect(judged(judgeContents, (world) => request(world, { bytes: 10 }))).toEqual([])
    expect(judged(judgeContents, (world) => request(world, { bytes: 11 }))).toEqual(['truncated'])
    expect(judged(judgeContents, (world) => request(world, { bytes: 10, lies: true }))).toEqual(['truncated'])
    expect(judged(judgeContents, (world) => request(world, { bytes: 11 }, { ...OK, complete: false }))).toEqual([])
  })
})

describe('routing', () => {
  const arrives = (changes: object) => (world: Environment) =>
    request(world, {}, OK, { arrivals: [{ ...arrival(), ...changes }] })

  it('a request at the wrong place is found', () => {
    expect(judged(judgeRouting, arrives({}))).toEqual([])
    expect(judged(judgeRouting, arrives({ authority: 'b.sim.example' }))).toEqual(['authority'])
    expect(judged(judgeRouting, arrives({ certificate: ['*.other.example'] }))).toEqual(['certificate'])
    expect(judged(judgeRouting, arrives({ address: '10.0.0.7' }))).toEqual(['address'])
  })

  it('a wildcard covers one label', () => {
    expect(judged(judgeRouting, arrives({ certificate: ['*.sim.example'] }))).toEqual([])
    expect(judged(judgeRouting, arrives({ certificate: ['*.example'] }))).toEqual(['certificate'])
  })
})

describe('load', () => {
  const every = (ms: number, count: number): number[] => Array.from({ length: count }, (_, index) => index * ms)

  it('many dials in a minute are found, unless that many requests asked for them', () => {
    expect(judged(judgeLoad, () => undefined, madeUp({ dials: every(2_000, 200) }))).toEqual([])
    expect(judged(judgeLoad, () => undefined, madeUp({ dials: every(1_000, 200) }))).toEqual(['dials'])
    const many = (world: Environment): void => {
      for (let index = 0; index < 60; index++) request(world, { at: index * 1_000 })
    }
    expect(judged(judgeLoad, many, madeUp({ dials: every(1_000, 60) }))).toEqual([])
  })

  it('many PINGs in a minute are found, unless each follows a reset', () => {
    const none = (): void => undefined
    expect(judged(judgeLoad, none, madeUp({ pings: every(15_000, 100) }))).toEqual([])
    expect(judged(judgeLoad, none, madeUp({ pings: every(1_000, 20) }))).toEqual(['pings'])
    expect(judged(judgeLoad, none, madeUp({ pings: every(1_000, 20), resets: every(1_000, 20) }))).toEqual([])
  })
})

describe('at the end', () => {
  const idle =
    (pool: object, active = 0) =>
    (world: Environment): void =>
      judgeIdle(world, { pools: [{ origin: 'o', queued: 0, dialing: 0, ...pool }], connections: [{ active }] } as never)

  it('what is queued, dialed or in flight without a request is found', () => {
    expect(judged(idle({}), () => undefined)).toEqual([])
    expect(judged(idle({ queued: 1 }), () => undefined)).toEqual(['left'])
    expect(judged(idle({ dialing: 1 }), () => undefined)).toEqual(['left'])
    expect(judged(idle({}, 1), () => undefined)).toEqual(['left'])
    expect(judged(idle({}, 1), (world) => request(world, { reader: 'never' }))).toEqual([])
  })

  it('a window that is not given back is found', () => {
    expect(judged(judgeWindows, () => undefined, madeUp({ missingCredit: 0.4 }))).toEqual([])
    expect(judged(judgeWindows, () => undefined, madeUp({ missingCredit: 0.9 }))).toEqual(['window'])
  })

  it('sockets and timers that are left are found', () => {
    expect(judged(judgeEnd, () => undefined)).toEqual([])
    expect(judged(judgeEnd, ({ sockets }) => void sockets.add({} as never))).toEqual(['leak'])
    expect(judged(judgeEnd, ({ kernel }) => Object.assign(kernel, { timerCount: 1 }))).toEqual(['leak'])
  })
})

describe('sharing', () => {
  const run = (lost: number, code = {}): Environment => {
    const world = madeUp()
    for (let index = 0; index < 40; index++) request(world, {}, index < lost ? failed(code) : OK)
    return world
  }
  const compare = (shared: Environment, apart: Environment, script = shared.script) =>
    compareSharing(script, shared.ledger.records, apart.ledger.records)

  it('requests that only sharing loses are found, beyond the stated rate', () => {
    expect(compare(run(2), run(0)).findings).toEqual([])
    expect(compare(run(3), run(0)).findings.map(({ rule }) => rule)).toEqual(['sharing'])
    expect(compare(run(3), run(3)).findings).toEqual([])
    expect(compare(run(3), run(0))).toMatchObject({ compared: 40, lostShared: 3, lostApart: 0 })
  })

  it('requests may end as they will while a fault prevents connections to every well machine, and an ill one is left', () => {
    const shared = run(9)
    const [machine] = shared.script.machines as [WorldScript['machines'][number]]
    const ill = {
      ...machine,
      address: '10.9.9.9',
      servers: machine.servers.map((server) => ({ ...server, ill: 'mute' as const })),
    }
    const names = shared.script.names.map((each) => ({ ...each, addresses: [...each.addresses, ill.address] }))
    const script = { ...shared.script, machines: [machine, ill], names }
    const hole = { kind: 'black-hole', at: 0, until: 60_000, where: machine.address } as const
    expect(compare(shared, run(0), script).findings).toHaveLength(1)
    expect(compare(shared, run(0), { ...script, faults: [hole] }).findings).toEqual([])
    // The well machine can be reached.
    expect(compare(shared, run(0), { ...script, faults: [{ ...hole, where: ill.address }] }).findings).toHaveLength(1)
    // No ill machine is left: sharing must not lose more.
    expect(compare(shared, run(0), { ...shared.script, faults: [hole] }).findings).toHaveLength(1)
  })

  it('a name that does not exist may part hosts', () => {
    const faults = [{ kind: 'dns-missing', at: 0, until: 5_000, where: 'a.sim.example' }] as const
    const shared = run(9, { phase: 'resolve', code: 'ENOTFOUND' })
    expect(compare(shared, run(0)).findings).toHaveLength(1)
    expect(compare(shared, run(0), { ...shared.script, faults }).findings).toEqual([])
  })
})
