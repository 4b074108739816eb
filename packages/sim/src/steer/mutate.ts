/** Changes a script into another valid one: some changes, each small, then what follows from them. */

import { endOf } from '../draw/worlds.js'
import type { Random } from '../kernel/random.js'
import type { WorldScript } from '../script/script.js'
import * as faults from './fault-mutations.js'
import * as requests from './request-mutations.js'
import * as settings from './setting-mutations.js'

/** @param other another kept script, to take parts of. */
export type Mutation = (random: Random, script: WorldScript, other: WorldScript) => WorldScript

export const MUTATIONS: readonly (readonly [weight: number, mutation: Mutation])[] = [
  [3, faults.addFault],
  [1, faults.removeFault],
  [4, faults.moveFault],
  [2, faults.stretchFault],
  [2, faults.changeKind],
  [2, faults.repeatFault],
  [2, faults.spliceFaults],
  [2, requests.squeeze],
  [3, requests.gather],
  [2, requests.thin],
  [2, requests.addCaller],
  [1, requests.temper],
  [3, settings.changeOption],
  [1, settings.flipSharing],
  [1, settings.renewClient],
  [2, settings.swapModel],
  [2, settings.changeIllness],
  [2, settings.changePath],
  [1, settings.changeRecord],
]

const MOST_CHANGES = 5
/** How often the network and the client draw other numbers in an equal script. */
const RESEEDED_PART = 0.3

export function mutate(random: Random, script: WorldScript, other: WorldScript): WorldScript {
  let changed = script
  for (let left = random.log(1, MOST_CHANGES); left > 0; left--) {
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
