/** Changes of servers, paths and names. */

import { drawIllness, drawPath, drawReads, drawRecord, type Group, HONEST, MANY } from '../draw/topology.js'
import type { Random } from '../kernel/random.js'
import type { MachineScript, ServerScript, WorldScript } from '../script/script.js'
import { MODELS } from '../server/models/all.js'
import { answers404, isHttp1, isRouted, serversOf, topologyOf } from './topology-of.js'

/** Servers behind one address, at most. */
const MOST_SERVERS = 3

/**
 * Changes the servers behind all addresses of a group alike. A group that speaks HTTP/2 goes on to, and
 * silence after the handshake is left only where it is noticed.
 */
function changeServers(
  script: WorldScript,
  { addresses, http1 }: Group,
  change: (servers: readonly ServerScript[]) => readonly ServerScript[],
): WorldScript {
  const machines = script.machines.map((machine): MachineScript => {
    if (!addresses.includes(machine.address)) return machine
    const servers = change(machine.servers)
    const isNoticed = servers.every(({ model }) => MODELS[model]!.h2 !== undefined)
    return {
      ...machine,
      servers: isNoticed ? servers : servers.map((each) => (each.ill === 'mute' ? { ...each, ill: 'silent' } : each)),
    }
  })
  if (!http1 && isHttp1(serversOf({ addresses }, machines))) return script
  const { suspectStatuses: _, ...client } = script.client
  return { ...script, machines, client: { ...client, ...(answers404(machines) ? { suspectStatuses: [404] } : {}) } }
}

/** Replaces the model of one server, or of all if they are chosen by name. */
export function swapModel(random: Random, script: WorldScript): WorldScript {
  const group = random.pick(topologyOf(script).groups)
  const servers = serversOf(group, script.machines)
  const routed = isRouted(servers)
  const model = random.pick(routed ? HONEST : MANY)
  const swapped = random.int(0, servers.length - 1)
  const reads = routed ? {} : drawReads(random, model)
  return changeServers(script, group, (each) =>
    each.map((server, index) => {
      if (!routed && index !== swapped) return server
      const { readBytes: _, ...others } = server
      return { ...others, model, ...reads }
    }),
  )
}

/** Puts another server behind each address of a group, or takes the last one away. */
export function mixServers(random: Random, script: WorldScript): WorldScript {
  const group = random.pick(topologyOf(script).groups)
  const servers = serversOf(group, script.machines)
  if (isRouted(servers)) return script
  if (servers.length === MOST_SERVERS || (servers.length > 1 && random.chance(0.3))) {
    return changeServers(script, group, (each) => each.slice(0, -1))
  }
  const model = random.pick(MANY)
  const reads = drawReads(random, model)
  return changeServers(script, group, (each) => {
    const { readBytes: _, ...others } = each[0]!
    return [...each, { ...others, model, ...reads }]
  })
}

/** Makes the servers of a group send an Origin Set, or no more. Servers that are chosen by name send none. */
export function toggleOriginSet(random: Random, script: WorldScript): WorldScript {
  const group = random.pick(topologyOf(script).groups)
  const servers = serversOf(group, script.machines)
  if (isRouted(servers)) return script
  const isSent = servers.some(({ originSet }) => originSet !== undefined)
  const added = isSent ? {} : { originSet: group.hosts.map((host) => `https://${host}`) }
  return changeServers(script, group, (each) => each.map(({ originSet: _, ...server }) => ({ ...server, ...added })))
}

/** Gives the servers of a group a certificate for each host instead of one for the domain, or the reverse. */
export function changeCertificate(random: Random, script: WorldScript): WorldScript {
  const group = random.pick(topologyOf(script).groups)
  const wildcard = [group.hosts[0]!.replace(/^[^.]+/, '*')]
  return changeServers(script, group, (each) =>
    each.map((server) => ({ ...server, certificate: server.certificate[0]!.startsWith('*') ? group.hosts : wildcard })),
  )
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
