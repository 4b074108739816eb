/** No origin waits much longer than another that the same servers answer at the same time. */

import type { RequestRecord } from '../../ledger/ledger.js'
import { neededMs } from '../../script/script.js'
import type { Environment } from '../../world/environment.js'
import { disturbanceOf } from '../disturbance.js'
import { mayQueue } from '../queueing.js'
import { isInnocent } from './recovery.js'

/** Requests that begin within this time compete. */
const BURST_MS = 50
/** Requests of an origin from which its median says something. */
const LEAST_REQUESTS = 10
/** The slowest origin may wait this many times as long as the fastest, and some time for its own dial. */
const FACTOR = 5
const ALLOWED_MS = 3_000

export function judgeFairness(environment: Environment): void {
  // One origin may dial an ill address while the other does not, and lose its connection to a request that kills the server.
  const { machines, requests } = environment.script
  if (machines.some(({ servers }) => servers.some(({ ill }) => ill !== undefined))) return
  // A line that is full or lossy makes one of two connections slow.
  if (machines.some(({ bandwidth, loss }) => bandwidth !== undefined || loss !== undefined)) return
  if (requests.some(({ poison }) => poison !== undefined)) return
  // Over HTTP/1.1 each origin has connections of its own.
  if (mayQueue(environment)) return
  for (const burst of burstsOf(environment).values()) {
    const waits = [...burst]
      .filter(([, list]) => list.length >= LEAST_REQUESTS)
      .map(([origin, list]) => [median(list), origin] as const)
    if (waits.length < 2) continue
    waits.sort(([one], [other]) => one - other)
    const [[least, fastest], [most, slowest]] = [waits[0]!, waits.at(-1)!]
    if (most <= FACTOR * least + ALLOWED_MS) continue
    const text = `${slowest} waits ${Math.round(most)} ms in the median, and ${fastest} at the same servers and time ${Math.round(least)} ms`
    environment.ledger.find('unfair', text)
  }
}

/** Waiting times of undisturbed requests: by the time of their beginning and the address that answered, then by origin. */
function burstsOf(environment: Environment): Map<string, Map<string, number[]>> {
  const bursts = new Map<string, Map<string, number[]>>()
  for (const record of environment.ledger.records.values()) {
    const waitedMs = waitOf(environment, record)
    if (waitedMs === undefined) continue
    const { origin } = record.script
    const key = `${Math.floor(record.startedAt / BURST_MS)} ${record.arrivals.at(-1)?.address}`
    const burst = bursts.get(key) ?? new Map<string, number[]>()
    bursts.set(key, burst.set(origin, [...(burst.get(origin) ?? []), waitedMs]))
  }
  return bursts
}

function waitOf(environment: Environment, record: RequestRecord): number | undefined {
  const { outcome, probe, script, startedAt, stalledAtEnd, stalledAtStart } = record
  if (probe || outcome?.status !== 200 || !isInnocent(record) || disturbanceOf(environment, record) !== undefined)
    return undefined
  return outcome.at - startedAt - (stalledAtEnd - stalledAtStart) - neededMs(script)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]!
}
