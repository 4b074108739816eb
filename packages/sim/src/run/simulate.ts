/**
 * Runs one script from beginning to end: load and faults, recovery, probes, close. The whole run is one
 * callback of the real event loop.
 */

import type { Client } from '@unshard/core'
import { judge } from '../judge/judge.js'
import { judgeEnd, judgeIdle, judgeWindows } from '../judge/rules/rest.js'
import { judgeSettling } from '../judge/rules/settling.js'
import { enterWorld, realImmediate, realTime } from '../kernel/builtins.js'
import type { Finding, RequestRecord } from '../ledger/ledger.js'
import { neededMs, type RequestScript, type WorldScript } from '../script/script.js'
import { MISNAMED, prepareCertificate } from '../tls/certificates.js'
import { Environment } from '../world/environment.js'
import { scheduleFaults } from '../world/faults.js'
import { makeClient } from './client.js'
import { runSettled } from './settled.js'

/** When everything works again after the last fault: see docs/contributing/simulation.md. */
export const RECOVERY_MS = 90_000
/** Longest time that a request without deadline may be in flight after the last fault: retransmission gives up. */
export const SETTLE_MS = 1_020_000
/** Number of the first probe. */
export const FIRST_PROBE = 1_000_000
const PROBE_EVERY_MS = 2_000
const PROBE_TOTAL_MS = 75_000
/** `timeouts.connect`: a dial that nothing waits for any more ends by then. */
const DIAL_MS = 10_000
const CLOSE_MS = 30_000
const GRACE_MS = 5_000
/** The library for SOCKS leaves a timer that ends by itself. */
const LAST_TIMER_MS = 610_000

export interface RunOptions {
  /** Whether connections may serve several origins. Default true. */
  readonly sharing?: boolean
  /** Whether to keep the text of the trace. */
  readonly verbose?: boolean
}

export interface RunResult {
  readonly hash: string
  readonly events: number
  readonly turns: number
  readonly requests: number
  readonly simulatedMs: number
  /** Real time, in milliseconds. */
  readonly tookMs: number
  readonly findings: readonly Finding[]
  readonly trace: readonly string[] | undefined
  readonly records: ReadonlyMap<number, RequestRecord>
}

/** Runs a script. Certificates are prepared first, in real time. */
export async function simulate(script: WorldScript, options: RunOptions = {}): Promise<RunResult> {
  await prepare(script)
  return new Promise((resolve, reject) => {
    realImmediate(async () => {
      try {
        const simulation = new Simulation(script, options)
        resolve(script.tls === 'real' ? await simulation.runSettled() : simulation.run())
      } catch (error) {
        reject(error as Error)
      } finally {
        enterWorld(undefined)
      }
    })
  })
}

export async function prepare({ machines }: WorldScript): Promise<void> {
  for (const { servers } of machines) {
    for (const { certificate, untrusted = false, ill } of servers) {
      await prepareCertificate(certificate, !untrusted)
      if (ill === 'misnamed') await prepareCertificate(MISNAMED, !untrusted)
    }
  }
}

/** Time passes until `until`, or until `done` returns true. */
interface Step {
  readonly until: number
  readonly done?: () => boolean
}

/** One run. */
export class Simulation {
  readonly environment: Environment
  readonly #script: WorldScript
  readonly #sharing: boolean
  #client: Client
  #closed = 0
  #toClose = 1

  constructor(script: WorldScript, { sharing = true, verbose = false }: RunOptions) {
    this.#script = script
    this.#sharing = sharing
    this.environment = new Environment(script, verbose)
    enterWorld(this.environment.builtins)
    this.#client = makeClient(this.environment, script, sharing)
  }

  /** Runs the whole course in one callback of the real event loop. */
  run(): RunResult {
    const { kernel, ledger } = this.environment
    const end = this.#observe()
    try {
      for (const { until, done } of this.#course()) kernel.run(until, done)
    } catch (error) {
      // A world that cannot run on is a finding as well, and other seeds must run.
      ledger.find('exception', String((error as Error | undefined)?.stack ?? error))
    }
    return end()
  }

  /** As {@link run}, with turns of the real event loop, which real TLS needs. */
  async runSettled(): Promise<RunResult> {
    const { kernel, ledger } = this.environment
    const end = this.#observe()
    try {
      for (const { until, done } of this.#course()) await runSettled(kernel, until, done)
    } catch (error) {
      ledger.find('exception', String((error as Error | undefined)?.stack ?? error))
    }
    return end()
  }

  /** Begins to note what escapes from the client. Returns a function that ends this, and sums up. */
  #observe(): () => RunResult {
    const { kernel, ledger, trace } = this.environment
    const startedAt = realTime()
    const onRejection = (reason: unknown): void =>
      ledger.find('unhandled-rejection', String((reason as Error | undefined)?.stack ?? reason))
    process.on('unhandledRejection', onRejection)
    return () => {
      process.off('unhandledRejection', onRejection)
      return {
        turns: kernel.turns,
        // The bytes of real TLS are other ones each time.
        hash: this.#script.tls === 'real' ? '' : trace.hash,
        ...{ events: trace.events, requests: ledger.records.size, simulatedMs: Math.round(kernel.now) },
        ...{ tookMs: realTime() - startedAt, findings: ledger.findings, trace: trace.lines, records: ledger.records },
      }
    }
  }

  /** Load and faults, recovery, probes, rest, and the end of the client. Judges what is only seen on the way. */
  *#course(): Iterable<Step> {
    const { kernel, ledger, sockets } = this.environment
    const { endMs, requests } = this.#script
    this.begin()
    yield { until: endMs }
    // Requests that a suspended machine makes later than planned need their time.
    const settleBy = endMs + SETTLE_MS + Math.max(0, ...requests.map(neededMs))
    yield { until: endMs + RECOVERY_MS }
    this.#probe()
    yield { until: kernel.now + 2 * PROBE_EVERY_MS }
    yield { until: settleBy, done: () => this.#allSettled() }
    judgeSettling(this.environment)
    yield { until: kernel.now + 1_000 }
    yield { until: kernel.now + DIAL_MS, done: () => !this.#dials() }
    judgeIdle(this.environment, this.#client.stats())
    judgeWindows(this.environment)
    this.#close(this.#client)
    yield { until: kernel.now + CLOSE_MS, done: () => this.#closed === this.#toClose }
    if (this.#closed !== this.#toClose) ledger.find('close', 'client.close() has not resolved')
    yield { until: kernel.now + LAST_TIMER_MS, done: () => kernel.timerCount === 0 && sockets.size === 0 }
    judgeEnd(this.environment)
    judge(this.environment)
  }

  /** Schedules load and faults. */
  begin(): void {
    const { kernel } = this.environment
    const { requests, faults, client } = this.#script
    for (const request of requests) this.#schedule(request)
    scheduleFaults(this.environment, faults)
    if (client.renewedAt !== undefined) kernel.at(client.renewedAt, () => kernel.deliver(() => this.#renew()))
  }

  #schedule(request: RequestScript): void {
    const { kernel, callers } = this.environment
    kernel.at(request.at, () => kernel.deliver(() => callers.start(this.#client, request, false)))
  }

  #renew(): void {
    this.#toClose++
    this.#close(this.#client)
    this.#client = makeClient(this.environment, this.#script, this.#sharing)
  }

  #close(client: Client): void {
    const done = (): void => {
      this.#closed++
    }
    this.environment.kernel.deliver(() => void client.close({ graceMs: GRACE_MS }).then(done, done))
  }

  /** Requests after the last fault: one to each origin, and a second one. */
  #probe(): void {
    const { kernel, callers } = this.environment
    const origins = [...new Set(this.#script.requests.map(({ origin }) => origin))].sort()
    let id = FIRST_PROBE
    for (const delayMs of [0, PROBE_EVERY_MS]) {
      for (const origin of origins) {
        const at = kernel.now + delayMs
        const probe: RequestScript = { id: id++, at, origin, method: 'GET', thinkMs: 5, bytes: 100, totalMs: PROBE_TOTAL_MS }
        kernel.at(at, () => kernel.deliver(() => callers.start(this.#client, probe, true)))
      }
    }
  }

  #dials(): boolean {
    return this.#client.stats().pools.some(({ dialing }) => dialing > 0)
  }

  #allSettled(): boolean {
    for (const { outcome } of this.environment.ledger.records.values()) if (outcome === undefined) return false
    return true
  }
}
