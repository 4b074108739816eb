import { judgeLatency } from '../../src/judge/rules/latency.js'
import { judgeRecovery } from '../../src/judge/rules/recovery.js'
import type { Outcome } from '../../src/ledger/ledger.js'
import type { FaultKind, FaultScript, RequestScript } from '../../src/script/script.js'
import { broken, failed, type MadeUp, madeUp, OK, request } from './made-up.js'

/** Judges one request, and returns the rules that are broken. */
function judged(script: Partial<RequestScript>, outcome: Outcome, world: MadeUp = {}, probe = false): string[] {
  const environment = madeUp(world)
  request(environment, script, outcome, { probe })
  judgeRecovery(environment)
  judgeLatency(environment)
  return broken(environment)
}

const fault = (kind: FaultKind, at: number, until: number, more: Partial<FaultScript> = {}): FaultScript => ({
  kind,
  at,
  until,
  ...more,
})

describe('requests that nothing disturbs', () => {
  it('must succeed', () => {
    expect(judged({}, OK)).toEqual([])
    expect(judged({}, failed())).toEqual(['innocent'])
    expect(judged({}, { ...OK, status: 502 })).toEqual(['innocent'])
    expect(judged({}, failed(), {}, true)).toEqual(['recovery'])
  })

  it('may fail if they have a reason of their own', () => {
    expect(judged({ method: 'POST' }, failed())).toEqual([])
    expect(judged({ abortAfterMs: 10 }, failed())).toEqual([])
    expect(judged({ totalMs: 10 }, failed())).toEqual([])
    expect(judged({ reader: 'cancels' }, failed())).toEqual([])
    expect(judged({ thinkMs: 600_000 }, failed())).toEqual([])
  })

  it('must be quick', () => {
    expect(judged({}, { ...OK, at: 3_900 })).toEqual([])
    expect(judged({}, { ...OK, at: 9_000 })).toEqual(['slow'])
    expect(judged({ thinkMs: 4_000 }, { ...OK, at: 9_000 })).toEqual([])
  })

  it('may wait for each other where there are few connections', () => {
    const late = failed({ phase: 'connect', code: 'ERR_TIMEOUT_CONNECT' }, 11_000)
    expect(judged({}, late)).toEqual(['innocent', 'slow'])
    expect(judged({}, late, { options: { maxRequestsPerConnection: 1 } })).toEqual([])
    expect(judged({}, late, { model: 'old' })).toEqual([])
  })
})

describe('faults', () => {
  it.each([
    ['black-hole', 67_000],
    ['reset-flows', 5_000],
    ['kill', 17_000],
    ['freeze', 22_000],
    ['hang', 22_000],
    ['deploy', 5_000],
  ] as const)('%s disturbs requests until %d ms after its end', (kind, afterMs) => {
    const faults = [fault(kind, 0, 500)]
    const at = 500 + afterMs
    const late = (ms: number) => failed({}, ms + 100)
    expect(judged({ at: at - 1 }, late(at), { faults })).toEqual([])
    expect(judged({ at }, late(at), { faults })).toEqual(['innocent'])
  })

  it.each(['stall', 'clock-step', 'dns-moves'] as const)('%s disturbs no request', (kind) => {
    expect(judged({}, failed(), { faults: [fault(kind, 500, 2_000)] })).toEqual(['innocent'])
  })

  it('a fault that begins later disturbs only requests that are in flight then', () => {
    expect(judged({}, failed(), { faults: [fault('kill', 1_050, 2_000)] })).toEqual([])
    expect(judged({}, failed(), { faults: [fault('kill', 1_200, 2_000)] })).toEqual(['innocent'])
  })

  it('an outage of the resolver disturbs only names without an answer', () => {
    const faults = [fault('dns-fails', 900, 60_000)]
    expect(judged({}, failed(), { faults })).toEqual([])
    expect(judged({}, failed(), { faults, answeredAt: [800] })).toEqual(['innocent'])
    expect(judged({}, failed(), { faults, answeredAt: [800], options: { lookupTtlMs: 0 } })).toEqual([])
    expect(judged({}, failed(), { faults: [fault('dns-missing', 900, 60_000, { where: 'b.sim.example' })] })).toEqual([
      'innocent',
    ])
    expect(judged({}, failed(), { faults: [fault('dns-missing', 900, 60_000, { where: 'a.sim.example' })] })).toEqual([])
  })

  it('after a suspend, idle connections are found dead within 12 s', () => {
    const faults = [fault('suspend', 10, 890)]
    expect(judged({}, { ...OK, at: 14_000 }, { faults })).toEqual([])
    expect(judged({}, { ...OK, at: 46_000 }, { faults })).toEqual(['slow'])
    expect(judged({}, failed(), { faults })).toEqual(['innocent'])
  })
})

describe('ill servers', () => {
  it('do not excuse failures while another address is well', () => {
    expect(judged({}, failed(), { ill: 'goaway' })).toEqual(['innocent'])
    expect(judged({}, failed(), { ill: 'silent' })).toEqual(['innocent'])
  })

  it('excuse time only for requests that begin about when they are dialed', () => {
    const slow = { ...OK, at: 12_000 }
    expect(judged({}, slow, { ill: 'late-settings' })).toEqual(['slow'])
    const environment = madeUp({ ill: 'late-settings' })
    environment.network.dials.set('10.0.0.2', [900])
    request(environment, {}, slow)
    judgeLatency(environment)
    expect(broken(environment)).toEqual([])
  })
})
