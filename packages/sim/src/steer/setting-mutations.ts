/** Changes of servers, paths, names and options. */

import { drawIllness, drawPath, drawReads, drawRecord, type Group, HONEST, MANY } from '../draw/topology.js'
import { OPTIONS } from '../draw/worlds.js'
import type { Random } from '../kernel/random.js'
import type { MachineScript, ServerScript, WorldScript } from '../script/script.js'
import { MODELS } from '../server/models/all.js'
import { answers404, isHttp1, isRouted, serversOf, topologyOf } from './topology-of.js'

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

/** Changes the servers behind all addresses of a group alike. */
function changeServers(
  script: WorldScript,
  { addresses }: Group,
  change: (server: ServerScript, index: number) => ServerScript,
): WorldScript {
  const machines = script.machines.map((machine) =>
    addresses.includes(machine.address) ? { ...machine, servers: machine.servers.map(change) } : machine,
  )
  const { suspectStatuses: _, ...client } = script.client
  return { ...script, machines, client: { ...client, ...(answers404(machines) ? { suspectStatuses: [404] } : {}) } }
}

/** Replaces the model of one server, or of all if they are chosen by name. A group that speaks HTTP/2 goes on to. */
export function swapModel(random: Random, script: WorldScript): WorldScript {
  const group = random.pick(topologyOf(script).groups)
  const servers = serversOf(group, script.machines)
  if (servers.length === 0) return script
  const routed = isRouted(servers)
  const model = random.pick(routed ? HONEST : MANY)
  const swapped = routed ? -1 : random.int(0, servers.length - 1)
  const reads = drawReads(random, model)
  const after = servers.map((server, index) => (routed || index === swapped ? { ...server, model } : server))
  if (!group.http1 && isHttp1(after)) return script
  const noticesSilence = after.every((server) => MODELS[server.model]!.h2 !== undefined)
  return changeServers(script, group, (server, index) => {
    const well = server.ill === 'mute' && !noticesSilence ? { ...server, ill: 'silent' as const } : server
    if (!routed && index !== swapped) return well
    const { readBytes: _, ...others } = well
    return { ...others, model, ...(routed ? {} : reads) }
  })
}

/** Makes the first of several addresses ill, or well again. */
export function changeIllness(random: Random, script: WorldScript): WorldScript {
  const groups = topologyOf(script).groups.filter(({ addresses }) => addresses.length > 1)
  if (groups.length === 0) return script
  const { addresses } = random.pick(groups)
  const change = (machine: MachineScript): MachineScript => {
    const well = machine.servers.map(({ ill: _, ...server }) => server)
    const wasIll = machine.servers.some(({ ill }) => ill !== undefined)
    if (wasIll && random.chance(0.3)) return { ...machine, servers: well }
    const ill = drawIllness(
      random,
      well.map(({ model }) => model),
    )
    return { ...machine, servers: well.map((server) => ({ ...server, ill })) }
  }
  return { ...script, machines: script.machines.map((each) => (each.address === addresses[0] ? change(each) : each)) }
}

/** Draws the path to a machine again: latency, loss, bandwidth, slices, NAT. */
export function changePath(random: Random, script: WorldScript): WorldScript {
  const { address } = random.pick(script.machines)
  const machines = script.machines.map((machine) =>
    machine.address === address ? { address, ...drawPath(random), servers: machine.servers } : machine,
  )
  return { ...script, machines }
}

/** Draws how the resolver answers for a name again. */
export function changeRecord(random: Random, script: WorldScript): WorldScript {
  const { name } = random.pick(script.names)
  const names = script.names.map((each) =>
    each.name === name ? { name, addresses: each.addresses, ...drawRecord(random) } : each,
  )
  return { ...script, names }
}
