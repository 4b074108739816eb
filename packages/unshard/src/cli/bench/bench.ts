/**
 * `unshard bench`: a closed loop. A fixed number of requests is in flight; the next one starts when one ends,
 * or, with a rate, when it is due.
 */

import { performance } from 'node:perf_hooks'
import { Client, type ClientOptions, UsageError } from '@unshard/core'
import { clientOptions } from '../connecting.js'
import { CommandError } from '../errors.js'
import type { BenchOptions } from './options.js'
import { Schedule } from './schedule.js'
import { type Latencies, Tally } from './tally.js'

/** Result of a measurement. */
export interface BenchReport {
  readonly method: string
  readonly url: string
  /** Protocols of the responses, such as `h2`. */
  readonly protocols: readonly string[]
  /** Requests that ended, failed ones included. */
  readonly requests: number
  readonly failed: number
  readonly seconds: number
  readonly requestsPerSecond: number
  /** The rate that was asked for. */
  readonly rate: number | undefined
  /** Bytes of content received. */
  readonly bytes: number
  readonly bytesPerSecond: number
  readonly statuses: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly latencyMs: Latencies | undefined
  /** Connections that were opened. */
  readonly connections: number
  readonly handshakes: number
  readonly resumed: number
  /** Requests that the client sent again by itself. */
  readonly replayed: number
  readonly interrupted: boolean
  readonly exitCode: 0 | 1 | 130
}

/** Measures. @param signal ends the measurement early; requests in flight are not counted. @throws CommandError for a request that is not valid. */
export async function bench(options: BenchOptions, signal: AbortSignal): Promise<BenchReport> {
  const client = new Client(benchClientOptions(options))
  const run = new Run(client, options, signal)
  const stop = (): void => client.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await run.complete()
    return run.report()
  } finally {
    signal.removeEventListener('abort', stop)
    client.destroy()
  }
}

function benchClientOptions(options: BenchOptions): ClientOptions {
  const { connections, protocol, insecure } = options
  const { tls, ...common } = clientOptions(options)
  return {
    ...common,
    tls: { ...tls, ...(insecure && { rejectUnauthorized: false }) },
    ...(connections !== undefined && { maxConnectionsPerOrigin: connections, minConnectionsPerOrigin: connections }),
    ...(protocol !== undefined && { protocols: [protocol], cleartextProtocol: protocol }),
  }
}

class Run {
  readonly #client: Client
  readonly #options: BenchOptions
  readonly #signal: AbortSignal
  readonly #schedule: Schedule
  readonly #tally = new Tally()
  readonly #startedAt = performance.now()
  #endedMs = 0
  #invalid: UsageError | undefined

  constructor(client: Client, options: BenchOptions, signal: AbortSignal) {
    this.#client = client
    this.#options = options
    this.#signal = signal
    this.#schedule = new Schedule(options)
  }

  async complete(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.concurrency }, () => this.#work()))
    if (this.#invalid !== undefined) throw new CommandError(this.#invalid.message)
  }

  /** Sends one request after another. */
  async #work(): Promise<void> {
    while (!this.#isOver) {
      const dueMs = this.#schedule.next(this.#nowMs())
      if (dueMs === undefined) return
      await this.#waitUntil(dueMs)
      if (this.#signal.aborted) return
      await this.#request(this.#options.rate === undefined ? this.#nowMs() : dueMs)
    }
  }

  async #request(fromMs: number): Promise<void> {
    const { url, method, headers, body } = this.#options
    try {
      const response = await this.#client.request({ url, method, headers, body })
      let bytes = 0
      for await (const part of response.body) bytes += part.length
      this.#endedMs = this.#nowMs()
      this.#tally.response(response.status, response.connection.protocol, bytes, this.#endedMs - fromMs)
    } catch (error) {
      // The client is destroyed, or a request is not valid: neither says anything about the server.
      if (this.#signal.aborted) return
      if (error instanceof UsageError) this.#invalid = error
      else this.#tally.failure((error as NodeJS.ErrnoException).code ?? (error as Error).name)
      this.#endedMs = this.#nowMs()
      // Failures that need no I/O would otherwise keep timers from running.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** An origin that fails all of the first requests is not asked again. */
  get #isOver(): boolean {
    const { succeeded, failed } = this.#tally
    return this.#signal.aborted || this.#invalid !== undefined || (succeeded === 0 && failed >= this.#options.concurrency)
  }

  /** A timer may be a millisecond late, so the last milliseconds are turns of the event loop. */
  async #waitUntil(dueMs: number): Promise<void> {
    for (let leftMs = dueMs - this.#nowMs(); leftMs > 0 && !this.#isOver; leftMs = dueMs - this.#nowMs()) {
      if (leftMs > 2) await pause(Math.min(leftMs - 2, 100))
      else await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #nowMs(): number {
    return performance.now() - this.#startedAt
  }

  report(): BenchReport {
    const { method, url, rate } = this.#options
    const { protocols, succeeded, failed, bytes, statuses, errors, latencies } = this.#tally
    const { totals, pools } = this.#client.stats()
    const { dials, failedDials, handshakes, resumed, replayed } = totals
    const failedOrPending = [...Object.values(failedDials), ...pools.map(({ dialing }) => dialing)]
    const seconds = this.#endedMs / 1_000
    const requests = succeeded + failed
    const perSecond = (count: number): number => (seconds === 0 ? 0 : count / seconds)
    return {
      ...{ method, url, protocols: [...protocols].sort(), requests, failed, seconds },
      ...{ requestsPerSecond: perSecond(requests), rate, bytes, bytesPerSecond: perSecond(bytes) },
      ...{ statuses, errors, latencyMs: latencies },
      connections: failedOrPending.reduce((rest, count) => rest - count, dials),
      ...{ handshakes, resumed, replayed, interrupted: this.#signal.aborted },
      exitCode: this.#signal.aborted ? 130 : failed > 0 ? 1 : 0,
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
