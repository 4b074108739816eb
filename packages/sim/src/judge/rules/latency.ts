/** Requests that no fault disturbs are quick, also beside an ill server. */

import type { RequestRecord } from '../../ledger/ledger.js'
import { type Illness, neededMs, type WorldScript } from '../../script/script.js'
import type { Environment } from '../../world/environment.js'
import { disturbanceOf } from '../disturbance.js'
import { mayQueue } from '../queueing.js'
import { hasWellServer } from '../well-servers.js'
import { isInnocent } from './recovery.js'

/** Requests that take longer by themselves are not judged. */
const QUICK_MS = 5_000
/** For queues, resolver, handshakes and turns of the process. */
const LEAST_MS = 3_000
/** Round trips of a request that is sent twice: dial, TLS, request, and again. */
const ROUND_TRIPS = 12
/** Retransmissions of segments that are lost several times. */
const LOSS_MS = 15_000
/** A dead connection that was idle gets a PING, and 10 s later the request uses another. */
const VERIFY_MS = 12_000
/** Time after a suspend in which idle connections are found dead. */
const WOKEN_MS = 60_000
/** A connection with requests that is not found dead by a PING. */
const UNVERIFIED_MS = 45_000
/** Without any verification, until the next PING that servers with strikes allow, and its answer is late. */
const UNASKED_MS = 340_000
/** A suspend is noticed with the next tick of the deadlines: requests before it are sent on what is there. */
const UNNOTICED_MS = 100
/** An upload doubles the time after which a silent connection is given up: 75 s instead of 45 s. */
const UPLOAD_MS = 15_000
/** Requests that start later than this after a dial to an ill server use another address: after an error, and after silence. */
const NOTICED_MS = 3_000
const SILENCE_MS = 12_000
const SILENT: ReadonlySet<Illness> = new Set(['silent', 'mute', 'late-settings'])

/** Time that a request may lose if it begins when an ill server is dialed. */
const ILL_MS: Readonly<Record<Exclude<Illness, 'refuses'>, number>> = {
  silent: 12_000,
  alert: 1_000,
  'late-settings': 14_000,
  slow: 8_000,
  mute: 60_000,
  closes: 1_000,
  goaway: 3_000,
  plain: 1_000,
  misnamed: 1_000,
}

export function judgeLatency(environment: Environment): void {
  const { ledger } = environment
  for (const record of ledger.records.values()) {
    const { outcome, script, startedAt, stalledAtEnd, stalledAtStart } = record
    if (outcome === undefined || !isInnocent(record) || neededMs(script) > QUICK_MS || script.reader === 'slow') continue
    const tookMs = outcome.at - startedAt - (stalledAtEnd - stalledAtStart)
    if (tookMs <= LEAST_MS) continue
    if (!hasWellServer(environment, record)) continue
    const boundMs = boundOf(environment, record)
    if (tookMs <= boundMs || disturbanceOf(environment, record) !== undefined) continue
    const what = `took ${Math.round(tookMs)} ms without a fault; at most ${Math.round(boundMs)} ms are expected`
    ledger.find('slow', `${script.method} ${script.origin} ${what}`, script.id)
  }
}

/** Infinity where queues behind slow transfers or the limits of the client decide. */
function boundOf(environment: Environment, record: RequestRecord): number {
  const { hosts, network, script: world } = environment
  const { script, startedAt, outcome } = record
  if (mayQueue(environment)) return Number.POSITIVE_INFINITY
  let verifies = world.faults.some(({ kind, until }) => kind === 'suspend' && startedAt >= until && startedAt < until + WOKEN_MS)
  let boundMs = LEAST_MS + 3 * neededMs(script)
  for (const [address, { script: machine }] of hosts) {
    if (machine.bandwidth !== undefined) return Number.POSITIVE_INFINITY
    boundMs = Math.max(boundMs, LEAST_MS + 3 * neededMs(script) + ROUND_TRIPS * 2 * (machine.latencyMs + (machine.jitterMs ?? 0)))
    if (machine.loss !== undefined) boundMs += LOSS_MS
    if (machine.nat !== undefined) verifies = true
    const ill = machine.servers.find((server) => server.ill !== undefined)?.ill
    if (ill === undefined || ill === 'refuses') continue
    const dials = network.dials.get(address) ?? []
    const noticedMs = SILENT.has(ill) ? SILENCE_MS : NOTICED_MS
    if (ill === 'slow' || dials.some((at) => at >= startedAt - noticedMs && at <= outcome!.at)) {
      boundMs += ILL_MS[ill]
      if (ill === 'mute' && world.requests.some(({ upload }) => upload !== undefined)) boundMs += UPLOAD_MS
    }
  }
  if (world.requests.some(({ poison }) => poison !== undefined)) return Number.POSITIVE_INFINITY
  if (!verifies) return boundMs
  if (world.client.options['verifyAfterIdleMs'] === 0) return boundMs + UNASKED_MS
  return boundMs + (isUnverified(world, startedAt) ? UNVERIFIED_MS : VERIFY_MS)
}

/** Whether no PING goes before a request: the wall clock was set back, or the suspend is not noticed yet. */
function isUnverified({ faults }: WorldScript, startedAt: number): boolean {
  if (faults.some(({ ms = 0 }) => ms < 0)) return true
  return faults.some(({ kind, until }) => kind === 'suspend' && startedAt >= until && startedAt < until + UNNOTICED_MS)
}
