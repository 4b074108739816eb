/**
 * Closed loop: keeps N requests in flight until the time is up. Independent of client and protocol.
 */

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

export interface Load {
  readonly inFlight: number
  /** Duration of the measurement. */
  readonly seconds: number
  /** Duration of the warm-up. */
  readonly warmupSeconds: number
}

/** Result of one round. */
export interface Sample {
  /** Right responses during the measurement. */
  readonly requests: number
  /** Measured time. */
  readonly seconds: number
  /** User and system time of the client process during the measurement. */
  readonly cpuMicros: number
  /** Errors in the whole round, including the warm-up. */
  readonly errors: number
  readonly firstError?: string
  /** Number of open sockets during the measurement, if known. */
  readonly connections?: number
  /** 99th percentile of the event loop delay during the measurement, in milliseconds. */
  readonly delayMs?: number
}

/** Dependencies of the loop; replaced in tests. */
export interface Meter {
  /** Milliseconds since an arbitrary start. */
  now(): number
  sleep(ms: number): Promise<unknown>
  /** CPU time of this process in microseconds. */
  cpuMicros(): number
  connections(): number
  /**
   * Starts to watch the event loop. Returns a function that stops it and returns the 99th
   * percentile, in milliseconds.
   */
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
      // The histogram records whole intervals: the delay is what exceeds the resolution.
      return Math.max(0, histogram.percentile(99) / 1e6 - DELAY_RESOLUTION_MS)
    }
  },
}

/** A timer in C: it runs no JavaScript. */
const DELAY_RESOLUTION_MS = 5

/**
 * Runs `once` repeatedly, `inFlight` times in parallel. It must wait for an external event: the
 * loop yields to nothing else.
 */
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
        // An error may be immediate: yield to the timer that ends the loop.
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

/** Describes an error and its cause on one line. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? String(error) : `${error}, because: ${describe(error.cause)}`
}
