/** Finds groups again in a script: hosts that lead to the same addresses. */

import type { Group, Topology } from '../draw/topology.js'
import type { MachineScript, ServerScript, WorldScript } from '../script/script.js'
import { MODELS } from '../server/models/all.js'

export function topologyOf({ machines, names }: WorldScript): Topology {
  const byAddresses = new Map<string, { hosts: string[]; addresses: readonly string[] }>()
  for (const { name, addresses } of names) {
    const key = addresses.join(' ')
    const group = byAddresses.get(key)
    if (group === undefined) byAddresses.set(key, { hosts: [name], addresses })
    else group.hosts.push(name)
  }
  const groups = [...byAddresses.values()].map((group): Group => ({ ...group, http1: isHttp1(serversOf(group, machines)) }))
  return { machines, names, groups, answers404: answers404(machines) }
}

/** Servers behind the first address of a group; those behind the others are the same, but for illnesses. */
export function serversOf({ addresses }: Pick<Group, 'addresses'>, machines: readonly MachineScript[]): readonly ServerScript[] {
  return machines.find(({ address }) => addresses.includes(address))?.servers ?? []
}

export function isHttp1(servers: readonly ServerScript[]): boolean {
  return servers.every(({ model }) => MODELS[model]!.h2 === undefined)
}

/** Whether servers are chosen by the name in the handshake. */
export function isRouted(servers: readonly ServerScript[]): boolean {
  return servers.some(({ hosts }) => hosts !== undefined)
}

/** Whether a server answers 404 for hosts that it does not have. */
export function answers404(machines: readonly MachineScript[]): boolean {
  return machines.some(({ servers }) =>
    servers.some(({ hosts, model }) => hosts !== undefined && MODELS[model]!.unknownHost === 404),
  )
}
