/** The times of an attempt, as HAR divides them. Their sum is its duration. */

import type { Attempt } from './attempt.js'
import type { HarTimings } from './format.js'

/** Returns the duration and its parts, in milliseconds with three decimals. */
export function timingsOf(attempt: Attempt): { time: number; timings: HarTimings } {
  const { startedMs, receive, sendingMs, sentMs } = attempt
  const endedMs = attempt.endedMs ?? performance.now()
  if (receive === undefined) return sum({ ...UNSENT, blocked: endedMs - startedMs })
  const answeredMs = Math.min(attempt.answeredMs ?? endedMs, endedMs)
  // A server may answer before the content is sent.
  const sentAt = Math.min(sentMs ?? answeredMs, answeredMs)
  return sum({
    ...dialOf(attempt, sendingMs - startedMs),
    send: sentAt - sendingMs,
    wait: answeredMs - sentAt,
    receive: endedMs - answeredMs,
  })
}

const UNSENT = { dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: 0 }

/**
 * Divides the wait for a connection. The dial may have begun before the request: then only its last
 * part counts.
 */
function dialOf({ receive }: Attempt, waitedMs: number): Pick<HarTimings, 'blocked' | 'dns' | 'connect' | 'ssl'> {
  const { dnsMs, connectMs, tlsMs } = receive?.timings ?? { dnsMs: 0, connectMs: 0, tlsMs: 0 }
  if (connectMs === 0 && tlsMs === 0) return { blocked: waitedMs, dns: -1, connect: -1, ssl: -1 }
  const ssl = Math.min(tlsMs, waitedMs)
  const tcp = Math.min(connectMs, waitedMs - ssl)
  const dns = Math.min(dnsMs, waitedMs - ssl - tcp)
  return { blocked: waitedMs - ssl - tcp - dns, dns, connect: tcp + ssl, ssl: tlsMs === 0 ? -1 : ssl }
}

function sum(parts: HarTimings): { time: number; timings: HarTimings } {
  const timings = Object.fromEntries(Object.entries(parts).map(([name, ms]) => [name, rounded(ms)])) as unknown as HarTimings
  const { blocked, dns, connect, send, wait, receive } = timings
  const time = [blocked, dns, connect, send, wait, receive].reduce((total, ms) => total + Math.max(0, ms), 0)
  return { time: rounded(time), timings }
}

function rounded(ms: number): number {
  return ms === -1 ? ms : Math.max(0, Math.round(ms * 1000) / 1000)
}
