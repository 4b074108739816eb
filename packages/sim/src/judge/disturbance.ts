/**
 * Which faults may disturb a request, and for how long after they are over. Requests that no fault
 * disturbs must succeed. The reasons of the times are in docs/contributing/simulation.md.
 */

import type { RequestRecord } from '../ledger/ledger.js'
import type { FaultKind, FaultScript } from '../script/script.js'
import type { Environment } from '../world/environment.js'

/** Longest pause between dials (`reconnectBackoff.maxMs` and its jitter). */
export const BACKOFF_MS = 12_000
/** `timeouts.connect`: after it, new requests no longer wait for a dial. */
const CONNECT_MS = 10_000
/** A dead connection with an open stream is given up after 45 s, and the request goes to another. */
const LOST_MS = 45_000
/** Largest time between two retransmissions of a connection over a path that was broken. */
const RETRANSMISSION_MS = 120_000

/**
 * Time after the end of a fault in which requests may still fail because of it. 0: not at all, even
 * while it lasts. Over HTTP/1.1 nothing but TCP notices a broken path.
 */
const AFTER_MS: Readonly<Record<FaultKind, number>> = {
  'black-hole': LOST_MS + CONNECT_MS + BACKOFF_MS,
  'black-hole-to-client': LOST_MS + CONNECT_MS + BACKOFF_MS,
  'black-hole-to-server': LOST_MS + CONNECT_MS + BACKOFF_MS,
  'reset-flows': 5_000,
  'half-close': 5_000,
  refuse: BACKOFF_MS + 5_000,
  'ignore-syn': CONNECT_MS + BACKOFF_MS,
  freeze: CONNECT_MS + BACKOFF_MS,
  hang: CONNECT_MS + BACKOFF_MS,
  kill: BACKOFF_MS + 5_000,
  deploy: 5_000,
  'dns-fails': CONNECT_MS,
  'dns-silent': CONNECT_MS,
  'dns-slow': CONNECT_MS,
  'dns-missing': 5_000,
  'dns-moves': 0,
  suspend: 1,
  stall: 0,
  'clock-step': 0,
}

/** How long the client uses an expired answer while the resolver fails (RFC 8767 §4), without the lifetime of the answer. */
const STALE_MS = 3_600_000

/** Returns a fault that may have disturbed a request that has ended. */
export function disturbanceOf(environment: Environment, { script, startedAt, outcome }: RequestRecord): FaultScript | undefined {
  const endedAt = outcome?.at ?? Number.POSITIVE_INFINITY
  const { faults } = environment.script
  return faults.find((fault) => {
    const after = AFTER_MS[fault.kind]
    if (after === 0 || startedAt >= fault.until + after + slowness(environment, fault) || endedAt < fault.at) return false
    return concerns(environment, fault, script.origin)
  })
}

/** Whether a fault concerns an origin at all. */
function concerns(environment: Environment, { kind, at, where = '' }: FaultScript, origin: string): boolean {
  const host = origin.replace(/^https?:\/\//, '')
  if (kind === 'dns-missing') return where === host
  if (kind.startsWith('dns-')) return !hasAnswer(environment, host, at)
  return true
}

/** Whether the client has an answer of the resolver that it may use in spite of an outage. */
function hasAnswer({ resolver, script }: Environment, host: string, at: number): boolean {
  const { options, renewedAt = 0 } = script.client
  if (options['lookupTtlMs'] === 0 || renewedAt > at) return false
  // "This name does not exist" is an answer, which replaces the last one.
  const missing = script.faults.filter((fault) => fault.kind === 'dns-missing' && fault.where === host && fault.at <= at)
  const since = Math.max(at - STALE_MS / 2, renewedAt, ...missing.map(({ until }) => until))
  return resolver.answeredAt(host).some((time) => time >= since && time < at)
}

/** Further time after a broken path where HTTP/1.1 is spoken. */
function slowness({ hosts }: Environment, { kind, where = '' }: FaultScript): number {
  if (!kind.startsWith('black-hole')) return 0
  const instances = hosts.get(where)?.instances ?? []
  return instances.some(({ model }) => model.h2 === undefined) ? RETRANSMISSION_MS : 0
}
