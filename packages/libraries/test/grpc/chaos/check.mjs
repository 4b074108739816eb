/** Compares what came of a call with what its plan and the events at the server allow. */

import { KINDS, wrongIn } from './plan.mjs'

const [OK, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED] = [0, 1, 2, 4]
const [PERMISSION_DENIED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE] = [7, 8, 13, 14]
const REFUSED_STREAM = 0x7
/** The client gives up after so many refusals in a row. */
const MOST_ATTEMPTS = 4
/** The status of a reset (doc/PROTOCOL-HTTP2.md, "Errors"); the others are INTERNAL. */
const OF_RESET = new Map([
  [0x5, UNKNOWN],
  [REFUSED_STREAM, UNAVAILABLE],
  [0x8, CANCELLED],
  [0xb, RESOURCE_EXHAUSTED],
  [0xc, PERMISSION_DENIED],
])

/**
 * Returns the statuses that a call may have.
 * @param meanwhile GOAWAY and drops of its client's connections: they may be why a call has not arrived.
 */
export function allowedFor(plan, record, meanwhile) {
  const [requestStream] = KINDS[plan.kind]
  const allowed = new Set()
  const fired = record?.fired[0]
  if (fired === 'status') allowed.add(plan.code)
  else if (fired === 'reset') {
    const isRefusal = plan.code === REFUSED_STREAM
    // What a server refuses is sent again, if it is one message and no response has begun.
    if (!isRefusal || requestStream || plan.at >= 0) allowed.add(OF_RESET.get(plan.code) ?? INTERNAL)
    // Node.js may drop a response that has just begun.
    if (isRefusal) allowed.add(OK)
  } else if (fired === 'drop') allowed.add(UNAVAILABLE)
  else if (plan.event === 'cancel') allowed.add(CANCELLED)
  else if (plan.event === 'deadline') allowed.add(DEADLINE_EXCEEDED)
  else allowed.add(OK)
  const hasArrived = record !== undefined && record.executed > 0
  const isRefused = record?.wasRefused === true || (!hasArrived && meanwhile.some(({ isDrop }) => !isDrop))
  if (isRefused && (requestStream || record?.attempts >= MOST_ATTEMPTS)) allowed.add(UNAVAILABLE)
  if (hasArrived ? record.wasDropped : meanwhile.some(({ isDrop }) => isDrop)) allowed.add(UNAVAILABLE)
  return allowed
}

/** Returns what is wrong with a call; `undefined` if nothing is. */
export function wrongWith(plan, outcome, record, meanwhile) {
  const { code, details, messages, ends, callbacks } = outcome
  const [, responseStream] = KINDS[plan.kind]
  const allowed = allowedFor(plan, record, meanwhile)
  if (!allowed.has(code)) return `status ${code} instead of ${[...allowed].join(' or ')}: ${details}`
  if (ends !== 1) return `it ended ${ends} times`
  if (plan.way === 'channel' && callbacks !== (responseStream ? 0 : 1)) return `its callback was called ${callbacks} times`
  const wrong = wrongIn(messages, plan.number, plan.responses)
  if (wrong !== undefined) return `response: ${wrong}`
  if (record?.wrong !== undefined) return record.wrong
  if ((record?.executed ?? 0) > 1) return `the server executed it ${record.executed} times`
  if (code !== OK) return undefined
  if (messages.length !== plan.responses.length) return `${messages.length} responses instead of ${plan.responses.length}`
  if (record.received !== plan.requests.length) return `${record.received} requests instead of ${plan.requests.length}`
  return undefined
}
