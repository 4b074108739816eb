/** Changes a script into another valid one: some changes, each small, then what follows from them. */

import { endOf } from '../draw/worlds.js'
import type { Random } from '../kernel/random.js'
import type { WorldScript } from '../script/script.js'
import * as client from './client-mutations.js'
import * as faults from './fault-mutations.js'
import * as requests from './request-mutations.js'
import * as servers from './server-mutations.js'

/** @param other another kept script, to take parts of. */
export type Mutation = (random: Random, script: WorldScript, other: WorldScript) => WorldScript

export const MUTATIONS: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [3, faults.addFault],
  [1, faults.removeFault],
  [3, faults.moveFault],
  [1, faults.stretchFault],
  [2, faults.changeKind],
  [1, faults.repeatFault],
  [2, faults.spliceFaults],
  [1, requests.squeeze],
  [2, requests.gather],
  [1, requests.thin],
  [3, requests.addCaller],
  [2, requests.takeRequests],
  [1, requests.temper],
  [5, client.changeOption],
  [1, client.takeOptions],
  [1, client.flipSharing],
  [1, client.renewClient],
  [1, client.changeProxy],
  [3, servers.swapModel],
  [2, servers.mixServers],
  [2, servers.toggleOriginSet],
  [1, servers.changeCertificate],
  [3, servers.changeIllness],
  [2, servers.changePath],
  [1, servers.changeRecord],
]

const MOST_CHANGES = 8
/** How often the network and the client draw other numbers in an equal script. */
const RESEEDED_PART = 0.3

export function mutate(random: Random, script: WorldScript, other: WorldScript): WorldScript {
  let changed = script
  for (let left = random.int(1, MOST_CHANGES); left > 0; left--) {
    changed = random.weighted(MUTATIONS)(random, changed, other)
  }
  const seed = random.chance(RESEEDED_PART) ? random.int(1, 0x7fff_ffff) : changed.seed
  return complete({ ...changed, seed })
}

/** Puts requests and faults in order, numbers requests, and ends the world when they are over. */
function complete(script: WorldScript): WorldScript {
  const numbered = script.requests.map((request, index) => ({ ...request, id: index + 1 }))
  const sorted = [...script.faults].sort((one, other) => one.at - other.at)
  return { ...script, requests: numbered, faults: sorted, endMs: endOf(numbered, sorted) }
}
