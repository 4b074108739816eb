/** The closed loop: N requests in flight, each followed by the next, until time is up. Knows no client and no protocol. */

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

export interface Load {
  readonly inFlight: number
  /** How long to measure. */
  readonly seconds: number
  /** How long to run before that. */
  readonly warmupSeconds: number
}

/** What one round gave. */
export interface Sample {
  /** Answered rightly while measured. */
  readonly requests: number
  /** The time measured. */
  readonly seconds: number
  /** User and system time of the client's process while measured. */
  readonly cpuMicros: number
  /** Of the whole round, warm-up included. */
  readonly errors: number
  readonly firstError?: string
  /** Sockets open while measured, where it is known. */
  readonly connections?: number
  /** How late the event loop was while measured: 99 of 100 looks found it less, milliseconds. */
  readonly delayMs?: number
}

/** What the loop needs of the world; replaced in tests. */
export interface Meter {
  /** Milliseconds, from any start. */
  now(): number
  sleep(ms: number): Promise<unknown>
  /** CPU time of this process, microseconds. */
  cpuMicros(): number
  connections(): number
  /** Starts to watch the event loop. Gives what ends that and tells its 99th percentile, milliseconds. */
  watchDelay?(): () => number
}

const systemMeter: Meter = {
  now: () => performance.now(),
  sleep: (ms) => sleep(ms),
  cpuMicros() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  connections: () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
  watchDelay() {
    const histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
    histogram.enable()
    return () => {
      histogram.disable()
      // It records from one look to the next: what is beyond the interval is the delay.
      return Math.max(0, histogram.percentile(99) / 1e6 - DELAY_RESOLUTION_MS)
    }
  },
}

/** A timer in C: nothing of it runs in JavaScript. */
const DELAY_RESOLUTION_MS = 5

/** Runs `once` over and over, `inFlight` times side by side. It must wait for something outside: the loop yields to nothing else. */
export async function closedLoop(once: () => Promise<void>, load: Load, meter: Meter = systemMeter): Promise<Sample> {
  let running = true
  let requests = 0
  let errors = 0
  let firstError: unknown

  const lane = async (): Promise<void> => {
    while (running) {
      try {
        await once()
        requests++
      } catch (error) {
        if (errors++ === 0) firstError = error
        // An error may come at once: let the timer that ends this have its turn.
        await nextTurn()
      }
    }
  }

  const lanes = Array.from({ length: load.inFlight }, lane)
  await meter.sleep(load.warmupSeconds * 1000)
  const delay = meter.watchDelay?.()
  const before = { requests, now: meter.now(), cpu: meter.cpuMicros() }
  await meter.sleep(load.seconds * 1000)
  const sample = {
    requests: requests - before.requests,
    seconds: (meter.now() - before.now) / 1000,
    cpuMicros: meter.cpuMicros() - before.cpu,
    connections: meter.connections(),
    ...(delay !== undefined && { delayMs: delay() }),
  }
  running = false
  await Promise.all(lanes)
  return { ...sample, errors, ...(errors > 0 && { firstError: describe(firstError) }) }
}

/** An error and what caused it, on one line. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? String(error) : `${error}, because: ${describe(error.cause)}`
}
