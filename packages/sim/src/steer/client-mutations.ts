/** Changes of the client's options, and of its proxy. */

import { OPTIONS } from '../draw/worlds.js'
import type { Random } from '../kernel/random.js'
import type { WorldScript } from '../script/script.js'
import { isNetworkFault } from './fault-mutations.js'
import { isRouted } from './topology-of.js'

/** Sets, changes or removes one option of the client. */
export function changeOption(random: Random, script: WorldScript): WorldScript {
  const { client } = script
  const [, name, draw] = random.pick(OPTIONS)
  const { [name]: old, ...others } = client.options
  const isRemoved = old !== undefined && random.chance(0.5)
  return { ...script, client: { ...client, options: isRemoved ? others : { ...others, [name]: draw(random) } } }
}

/** Turns sharing on or off. */
export function flipSharing(_: Random, script: WorldScript): WorldScript {
  const { client } = script
  return { ...script, client: { ...client, coalescing: !client.coalescing } }
}

/** Closes the client in the middle, and makes another; or does not. */
export function renewClient(random: Random, script: WorldScript): WorldScript {
  const { renewedAt, ...client } = script.client
  if (renewedAt !== undefined && random.chance(0.5)) return { ...script, client }
  return { ...script, client: { ...client, renewedAt: random.pick(script.requests).at } }
}

/** Takes over the options of another script. */
export function takeOptions(_: Random, script: WorldScript, other: WorldScript): WorldScript {
  const { client } = script
  return { ...script, client: { ...client, options: { ...client.options, ...other.client.options } } }
}

/** Puts a proxy in front of all servers, or removes it. Servers that are chosen by name have none. */
export function changeProxy(random: Random, script: WorldScript): WorldScript {
  const { proxy, ...others } = script
  if (proxy !== undefined && random.chance(0.5)) return others
  if (script.machines.some(({ servers }) => isRouted(servers))) return script
  const faults = script.faults.filter(({ kind }) => isNetworkFault(kind))
  return { ...script, faults, proxy: { kind: random.pick(['http', 'socks5'] as const), address: '10.0.0.9' } }
}
