/** Fixture of one run of a cell: a server, a proxy in front of it, a client, and its clock. */

import { Client, type ClientOptions } from '@unshard/core'
import { type ChaosProxy, FakeClock, startChaosProxy } from '@unshard/testkit'
import type { Kind, Phase } from '../phases.js'
import type { Random } from '../random.js'
import type { Backend } from '../server/account.js'
import { Attempt, type AttemptOptions } from './attempt.js'
import { ADDRESS, Names } from './lookup.js'

/** All different, so that an error identifies its deadline. Milliseconds of the fake clock. */
const FAKE_TIMEOUTS = { connect: 5_000, headers: 6_000, body: 7_000, queue: 8_000 } as const
/** Milliseconds of the system clock: far longer than any cell takes. */
const REAL_TIMEOUTS = { connect: 20_000, headers: 20_000, body: 20_000, queue: 20_000 } as const

export interface CellFixtureOptions {
  readonly run: string
  readonly phase: Phase
  readonly kind: Kind
  readonly variant: string
  readonly backend: Backend
  readonly ca: string
  readonly random: Random
  readonly realClock: boolean
  /** Length of the content in bytes. */
  readonly size: number
  readonly client?: ClientOptions
  /** Connect without the proxy. */
  readonly direct: boolean
  /** One value for all deadlines, if they differ from the defaults. */
  readonly timeoutMs: number | undefined
}

export class CellFixture {
  readonly options: CellFixtureOptions
  readonly backend: Backend
  readonly clock: FakeClock | undefined
  readonly names: Names = new Names()
  readonly proxy: ChaosProxy
  readonly attempts: Attempt[] = []
  readonly client: Client
  /** Functions that undo a fault. */
  readonly undo: (() => unknown)[] = []
  #number = 0

  private constructor(options: CellFixtureOptions, proxy: ChaosProxy) {
    this.options = options
    this.backend = options.backend
    this.proxy = proxy
    this.clock = options.realClock ? undefined : new FakeClock()
    this.client = this.#newClient()
  }

  static async open(options: CellFixtureOptions): Promise<CellFixture> {
    const { backend, phase, random, direct } = options
    const fixture = new CellFixture(options, await startChaosProxy(portFor(backend, phase), { random, address: ADDRESS }))
    if (direct) fixture.names.answer = [{ address: '127.0.0.1', family: 4 }]
    return fixture
  }

  #newClient(): Client {
    const { ca, client, timeoutMs } = this.options
    const usual = this.clock === undefined ? REAL_TIMEOUTS : FAKE_TIMEOUTS
    const all = { connect: timeoutMs, headers: timeoutMs, body: timeoutMs, queue: timeoutMs } as typeof REAL_TIMEOUTS
    const timeouts = timeoutMs === undefined ? usual : all
    const clock = this.clock === undefined ? {} : { clock: this.clock }
    return new Client({ tls: { ca }, lookup: this.names.lookup, timeouts, ...clock, ...client })
  }

  /** Sends a request through the proxy. */
  ask(route: string, options: Partial<AttemptOptions> = {}): Attempt {
    const { kind, size, run, direct, phase } = this.options
    const port = direct ? portFor(this.backend, phase) : this.proxy.port
    const path = `${this.backend.prefix}/${route}${route === 'half' ? `/${size}` : ''}`
    const url = `https://a.test.example:${port}${path}`
    const attempt = new Attempt(this.client, { url, id: `${run}.${++this.#number}`, kind, size, ...options })
    this.attempts.push(attempt)
    return attempt
  }

  /** Number of the client's connections that accept requests. */
  get open(): number {
    return this.client.stats().connections.filter(({ state }) => state === 'open').length
  }

  /** Number of the client's requests in flight. */
  get active(): number {
    return this.client.stats().connections.reduce((all, { active }) => all + active, 0)
  }
}

function portFor(backend: Backend, phase: Phase): number {
  return phase === 'queued' ? backend.narrowPort : backend.port
}
