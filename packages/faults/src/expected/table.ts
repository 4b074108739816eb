/**
 * Expected outcome of a request for every fault in every phase: the list of cells. If an outcome
 * differs from its cell, one of the two is a defect; do not loosen a cell to make it pass.
 */

import { CODES } from '../fault/server.js'
import type { Phase } from '../phases.js'
import type { CellExpectation, Expectation } from './outcome.js'

export type Row = { readonly [phase in Phase]?: CellExpectation }

/** The server may have processed the request: only idempotent requests are sent again. */
const LOST: Expectation = ['replayed', 'ConnectionError peer unknown', 'ConnectionError peer unknown']
const LOST_ANSWER: Expectation = 'ConnectionError peer yes'
const NO_TLS: Expectation = 'ConnectError tls no'
const NO_TCP: Expectation = 'ConnectError tcp no'

/** The connection ends in this phase, and another can be opened. */
const CUT: Row = {
  tls: NO_TLS,
  settings: LOST,
  // The queued request was not sent: it uses the next connection.
  queued: 'ok',
  headers: LOST,
  body: LOST,
  waiting: LOST,
  reading: LOST_ANSWER,
  complete: 'ok',
  closing: LOST,
}

/** The connection ends, and no other can be opened. */
const CUT_OFF_REPLAY: Expectation = ['ConnectError tcp unknown', 'ConnectionError peer unknown', 'ConnectionError peer unknown']
const CUT_OFF: Row = {
  dial: NO_TCP,
  tls: NO_TLS,
  settings: CUT_OFF_REPLAY,
  idle: NO_TCP,
  queued: NO_TCP,
  headers: CUT_OFF_REPLAY,
  body: CUT_OFF_REPLAY,
  waiting: CUT_OFF_REPLAY,
  reading: LOST_ANSWER,
  complete: 'ok',
  closing: CUT_OFF_REPLAY,
}

const NO_CONNECTION: Expectation = 'TimeoutError connect no'
const NO_ANSWER: Expectation = 'TimeoutError headers unknown'
/** Content that the server does not read ends by the content deadline. */
const NOT_READ: Expectation = [NO_ANSWER as string, 'TimeoutError body unknown', 'TimeoutError body unknown']

/** No response and no error arrive: each request costs one deadline. */
const SILENT: Row = {
  dial: NO_CONNECTION,
  tls: NO_CONNECTION,
  settings: NO_ANSWER,
  // with verifyAfterIdleMs: an idle connection is verified first, and unsent requests use a new
  // one: `ok`.
  idle: NOT_READ,
  queued: 'TimeoutError queue no',
  headers: NOT_READ,
  body: NOT_READ,
  waiting: NO_ANSWER,
  reading: 'TimeoutError body yes',
  complete: 'ok',
  closing: NO_ANSWER,
}

/** Late, but complete. */
const FINE: Row = {
  dial: 'ok',
  tls: 'ok',
  settings: 'ok',
  idle: 'ok',
  queued: 'ok',
  headers: 'ok',
  body: 'ok',
  waiting: 'ok',
  reading: 'ok',
  complete: 'ok',
  closing: 'ok',
}

/**
 * RFC 9113 §6.8: requests beyond the last stream of GOAWAY were not processed and are sent again,
 * except with a source that was opened.
 */
const UNPROCESSED: Expectation = ['replayed', 'replayed', 'StreamError 7 no']
/** A source of which at most 16 KiB were sent can be sent again as well. */
const UNPROCESSED_AND_KEPT: Expectation = ['replayed', 'replayed', 'replayed']
/** A GOAWAY that excludes a stream the server has answered is not trusted. */
const DENIED: Expectation = ['replayed', 'StreamError 7 unknown', 'StreamError 7 unknown']

const GOAWAY: Row = {
  settings: { zero: UNPROCESSED, graceful: 'ok', error: LOST },
  idle: { zero: 'ok', graceful: 'ok', error: 'ok' },
  queued: { zero: 'ok', graceful: 'ok', error: 'ok' },
  // The last stream of GOAWAY is below the request's.
  headers: { zero: DENIED, graceful: UNPROCESSED_AND_KEPT, error: UNPROCESSED_AND_KEPT },
  body: { zero: DENIED, graceful: 'ok', error: LOST },
  waiting: { zero: DENIED, graceful: 'ok', error: LOST },
  reading: { zero: 'StreamError 7 yes', graceful: 'ok', error: LOST_ANSWER },
  complete: { zero: 'ok', graceful: 'ok', error: 'ok' },
  closing: { zero: DENIED, graceful: 'ok', error: LOST },
}

/**
 * RFC 9113 §8.7: REFUSED_STREAM means that nothing was processed; HTTP_1_1_REQUIRED asks for
 * HTTP/1.1. Every other code is a response.
 */
function resets(ending: (code: number) => Expectation): CellExpectation {
  return Object.fromEntries(CODES.map((name, code) => [name, ending(code)]))
}

const unanswered = (unprocessed: (code: number) => Expectation): CellExpectation =>
  resets((code) => {
    // This connection is overloaded: idempotent requests are sent again on another one.
    if (code === CODES.indexOf('ENHANCE_YOUR_CALM'))
      return ['replayed', `StreamError ${code} unknown`, `StreamError ${code} unknown`]
    const isUnprocessed = code === CODES.indexOf('REFUSED_STREAM') || code === CODES.indexOf('HTTP_1_1_REQUIRED')
    return isUnprocessed ? unprocessed(code) : `StreamError ${code} unknown`
  })
const replayedUnlessStreamed = unanswered((code) => ['replayed', 'replayed', `StreamError ${code} no`])
const replayedIfKept = unanswered(() => UNPROCESSED_AND_KEPT)

const STREAM_RESET: Row = {
  headers: replayedIfKept,
  body: replayedIfKept,
  waiting: replayedUnlessStreamed,
  reading: resets((code) => `StreamError ${code} yes`),
  complete: resets(() => 'ok'),
  closing: replayedUnlessStreamed,
}

const PARTED: Expectation = ['served', 'served', 'ok | StreamError 7 no']

/** A server that reloads completes its requests and refuses new ones with GOAWAY. */
const RELOAD: Row = {
  ...FINE,
  // Requests in flight when the server sends GOAWAY. Apache's GOAWAY may exclude a stream whose
  // content it has begun to read: requests with their content in memory are sent again, those with
  // an opened source are not.
  headers: PARTED,
  body: PARTED,
}

/** Uses the row for each of these variants. */
function each(row: Row, ...variants: readonly string[]): Row {
  return Object.fromEntries(
    Object.entries(row).map(([phase, expectation]) => [
      phase,
      Object.fromEntries(variants.map((variant) => [variant, expectation])),
    ]),
  )
}

/** Seen: the client knows that the connection is closed. Unseen: the request is faster. */
// with verifyAfterIdleMs: unseen is `ok` for all if the connection was idle long enough.
const IDLE: CellExpectation = { seen: 'ok', unseen: LOST }

export const EXPECTED: Readonly<Record<string, Row>> = {
  F01: { ...CUT, dial: NO_TCP, idle: IDLE },
  F02: { ...CUT, dial: NO_TLS, idle: IDLE },
  F03: { ...each(SILENT, 'passes', 'gone'), dial: NO_CONNECTION },
  F04: SILENT,
  F05: FINE,
  F06: FINE,
  F07: FINE,
  F08: FINE,
  F09: FINE,
  F10: { ...CUT, idle: LOST },
  F11: { ...CUT, dial: NO_TLS, idle: LOST },
  F12: {
    ...each(CUT, 'alert', 'close_notify', 'bare'),
    idle: { alert: LOST, close_notify: 'ok', bare: 'ok' },
  },
  F13: CUT_OFF,
  F14: FINE,
  // Apache with all streams in use may send GOAWAY only when one of them ends, to a request that
  // was just sent.
  F15: {
    ...each(RELOAD, 'nginx', 'apache', 'haproxy', 'caddy'),
    queued: { nginx: 'ok', apache: PARTED, haproxy: 'ok', caddy: 'ok' },
  },
  F16: GOAWAY,
  F17: STREAM_RESET,
  F18: {
    dial: {
      nxdomain: 'ConnectError resolve no',
      servfail: 'ConnectError resolve no',
      timeout: NO_CONNECTION,
      empty: 'ConnectError resolve no',
      stale: NO_TCP,
      changed: 'ok',
    },
  },
  F19: { dial: { unreachable: 'ok', silent: 'ok', all: NO_TCP } },
  F20: { tls: { expired: NO_TLS, name: NO_TLS, authority: NO_TLS } },
  F21: { tls: { 'http/1.1': 'ok', none: 'ConnectError negotiate no' } },
  F22: {
    ...FINE,
    // Every deadline has passed when the process resumes, but a response that arrived in the
    // meantime is in time.
    ...each({ idle: 'ok', queued: 'ok', waiting: 'ok', reading: 'ok', complete: 'ok', closing: 'ok' }, 'proxied', 'late'),
  },
  F23: each(CUT_OFF, 'EMFILE', 'refused', 'unreachable'),
  F24: Object.fromEntries(Object.entries(SILENT).map(([phase, silent]) => [phase, link(phase, silent)])),
}

/**
 * If a link comes back, the client did not notice; if not, it is a black hole; without its address,
 * dials fail.
 */
function link(phase: string, silent: CellExpectation): CellExpectation {
  return { back: 'ok', down: silent as Expectation, address: phase === 'dial' ? NO_TCP : (silent as Expectation) }
}
