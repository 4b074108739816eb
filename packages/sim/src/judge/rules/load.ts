/** Load on servers that are ill, or not there, is bounded. */

import type { Environment } from '../../world/environment.js'

const MINUTE_MS = 60_000
/** PINGs on one connection in a minute: one every ten seconds, and one with each RST_STREAM, which asks whether the server is there. */
const MOST_PINGS = 7

export function judgeLoad({ ledger, network, hosts, script }: Environment): void {
  const requests = [...ledger.records.values()].map(({ startedAt }) => startedAt).sort((one, other) => one - other)
  for (const [address, times] of network.dials) {
    const { count, at } = busiest(times)
    const most = mostDials(script.names.length, countWithin(requests, at))
    if (count > most)
      ledger.find('dials', `${count} dials to ${address} in the minute before ${at} ms; at most ${most} are expected`)
  }
  for (const [address, { instances }] of hosts) {
    for (const { flow, pings, resets } of instances.flatMap(({ counts }) => [...counts.values()])) {
      const { count, at } = busiest(pings)
      // With the option `verifyAfterIdleMs`, one before each request after a pause of that length.
      const most =
        MOST_PINGS +
        (script.client.options['verifyAfterIdleMs'] === 1_000 ? 60 : 0) +
        resets.filter((time) => time <= at && time >= at - MINUTE_MS).length
      if (count > most) ledger.find('pings', `${count} PINGs on flow ${flow} to ${address} in the minute before ${at} ms`)
    }
  }
}

/** Each request may dial, and a pause of ten seconds stands between two dials of an origin that fails. */
function mostDials(names: number, requests: number): number {
  return 40 * names + 3 * requests
}

/** The largest number of times within a minute, and the last of them. */
function busiest(times: readonly number[]): { count: number; at: number } {
  let best = { count: 0, at: 0 }
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! > MINUTE_MS) first++
    if (last - first + 1 > best.count) best = { count: last - first + 1, at: times[last]! }
  }
  return best
}

/** Number of times in the two minutes before `at`: a dial takes a while. */
function countWithin(times: readonly number[], at: number): number {
  return times.filter((time) => time <= at && time > at - 2 * MINUTE_MS).length
}
