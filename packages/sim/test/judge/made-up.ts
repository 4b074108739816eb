/** A made-up world after its run: what the rules read, and nothing that runs. */

import { Ledger, type Outcome, type RequestRecord } from '../../src/ledger/ledger.js'
import type { FaultScript, Illness, RequestScript } from '../../src/script/script.js'
import { MODELS } from '../../src/server/models/all.js'
import type { Environment } from '../../src/world/environment.js'

export const HOST = 'a.sim.example'
export const ORIGIN = `https://${HOST}`
/** A host at the same addresses. */
export const OTHER = 'b.sim.example'

/** Settings of a made-up world. */
export interface MadeUp {
  readonly faults?: readonly FaultScript[]
  readonly requests?: readonly RequestScript[]
  readonly options?: Readonly<Record<string, unknown>>
  readonly dials?: readonly number[]
  readonly pings?: readonly number[]
  readonly resets?: readonly number[]
  /** Part of a window that is missing. */
  readonly missingCredit?: number
  /** Addresses that the name has had. */
  readonly had?: readonly string[]
  /** Illness of the second address; there is one address by default. */
  readonly ill?: Illness
  readonly model?: string
  readonly answeredAt?: readonly number[]
  readonly proxy?: boolean
}

export function madeUp(options: MadeUp = {}): Environment {
  const { faults = [], requests = [], dials = [], pings = [], resets = [], missingCredit = 0, ill, model = 'nginx' } = options
  const addresses = ill === undefined ? ['10.0.0.1'] : ['10.0.0.1', '10.0.0.2']
  const hosts = addresses.map((address, index) => {
    const server = { model, certificate: [HOST], ...(index === 1 ? { ill } : {}) }
    const instance = {
      model: MODELS[model],
      connections: new Set([{ missingCredit: () => missingCredit }]),
      counts: new Map([[1, { flow: 1, pings, resets }]]),
    }
    return [address, { script: { address, latencyMs: 10, servers: [server] }, instances: [instance] }] as const
  })
  const world = {
    ledger: new Ledger(),
    script: {
      faults,
      requests,
      machines: hosts.map(([, { script }]) => script),
      names: [{ name: HOST, addresses }],
      client: { coalescing: true, options: options.options ?? {} },
    },
    hosts: new Map(hosts),
    network: { dials: new Map([['10.0.0.1', dials]]) },
    records: new Map([HOST, OTHER].map((host) => [host, { addresses }])),
    resolver: {
      hasHad: (_: string, address: string) => (options.had ?? addresses).includes(address),
      answeredAt: () => options.answeredAt ?? [],
      addressesWithin: () => [addresses],
    },
    sockets: new Set(),
    kernel: { timerCount: 0 },
  }
  return world as unknown as Environment
}

export const OK: Outcome = { at: 1_100, status: 200, bytes: 10, complete: true, error: undefined }

/** An outcome with an error. */
export function failed(details: Partial<NonNullable<Outcome['error']>> = {}, at = 1_100): Outcome {
  const error = {
    name: 'ConnectionError',
    code: 'ERR_CONNECTION_LOST',
    message: 'lost',
    phase: undefined,
    processed: 'unknown',
    ...details,
  }
  return { at, status: undefined, bytes: 0, complete: false, error }
}

/** Adds a request that started at 1,000 ms, and arrived once. */
export function request(
  { ledger }: Environment,
  script: Partial<RequestScript> = {},
  outcome: Outcome | undefined = OK,
  changes: Partial<RequestRecord> = {},
): RequestRecord {
  const id = script.id ?? ledger.records.size + 1
  const full: RequestScript = { id, at: 1_000, origin: ORIGIN, method: 'GET', thinkMs: 5, bytes: 10, ...script }
  const record = ledger.start(full, full.at, 0, changes.probe ?? false)
  record.arrivals.push(arrival())
  return Object.assign(record, { outcome, settled: outcome === undefined ? 0 : 1 }, changes)
}

/** An arrival at the only server of the origin. */
export function arrival(): RequestRecord['arrivals'][number] {
  return {
    at: 1_050,
    address: '10.0.0.1',
    flow: 1,
    server: 'nginx',
    authority: HOST,
    executed: true,
    certificate: [HOST],
    secure: true,
  }
}

/** The rules that are broken, in order. */
export function broken({ ledger }: Environment): string[] {
  return ledger.findings.map(({ rule }) => rule)
}
