/** Rules that hold for each drawn script, and must hold for each changed one. */

import { neededMs, type ServerScript, type WorldScript } from '../../src/script/script.js'
import { MODELS } from '../../src/server/models/all.js'

/** Returns the invariants that a script breaks, in words. */
export function problemsOf(script: WorldScript): string[] {
  const problems: string[] = []
  const check = (holds: boolean, problem: string): void => {
    if (!holds) problems.push(problem)
  }
  checkRequests(script, check)
  checkFaults(script, check)
  checkServers(script, check)
  return problems
}

type Check = (holds: boolean, problem: string) => void

function serversOf({ names, machines }: WorldScript, origin: string): readonly ServerScript[] {
  const addresses = names.find(({ name }) => `https://${name}` === origin)?.addresses ?? []
  return machines.find(({ address }) => addresses.includes(address))?.servers ?? []
}

function checkRequests(script: WorldScript, check: Check): void {
  const { requests, faults, endMs } = script
  check(requests.length > 0, 'no requests')
  check(requests.length <= 5_000, `${requests.length} requests`)
  for (const [index, request] of requests.entries()) {
    check(request.id === index + 1, `request ${request.id} in place ${index + 1}`)
    check(Number.isInteger(request.at) && request.at >= 0, `request ${request.id} at ${request.at}`)
    const servers = serversOf(script, request.origin)
    check(servers.length > 0, `request ${request.id} to unknown ${request.origin}`)
    const http1 = servers.every(({ model }) => MODELS[model]!.h2 === undefined)
    check(!http1 || (request.parts ?? 1) === 1 || neededMs(request) < 20_000, `request ${request.id} is long over HTTP/1.1`)
    check(endMs > request.at + neededMs(request), `the end, ${endMs}, is before that of request ${request.id}`)
  }
  for (const fault of faults) check(endMs > fault.until, `the end is before that of ${fault.kind}`)
}

function checkFaults({ faults, machines, names, proxy }: WorldScript, check: Check): void {
  check(faults.length <= 6, `${faults.length} faults`)
  const routed = machines.some(({ servers }) => servers.some(({ hosts }) => hosts !== undefined))
  let before = 0
  for (const { kind, at, until, where, roams, addresses = [] } of faults) {
    check(Number.isInteger(at) && at >= before && until >= at, `${kind} from ${at} to ${until} after ${before}`)
    before = at
    const isDns = kind.startsWith('dns-')
    const isOfClient = kind === 'suspend' || kind === 'stall' || kind === 'clock-step'
    check(!(isDns || isOfClient) || (proxy === undefined && !routed), `${kind} with a proxy or a router`)
    if (kind === 'dns-missing' || kind === 'dns-moves')
      check(
        names.some(({ name }) => name === where),
        `${kind} of ${where}`,
      )
    else if (!isDns && !isOfClient)
      check(
        machines.some(({ address }) => address === where),
        `${kind} at ${where}`,
      )
    if (kind === 'dns-moves') {
      const own = names.find(({ name }) => name === where)?.addresses ?? []
      check(
        addresses.length > 0 && addresses.every((address) => own.includes(address)),
        `${where} moves to ${addresses.join(' ')}`,
      )
    }
    check(roams !== true || (kind === 'suspend' && until - at >= 30_000), `${kind} roams after ${until - at} ms`)
  }
}

function checkServers({ machines, names, client, proxy }: WorldScript, check: Check): void {
  let answers404 = false
  for (const { address, latencyMs, servers } of machines) {
    check(latencyMs >= 1 && latencyMs <= 150, `latency of ${latencyMs} ms`)
    check(servers.length > 0, `${address} has no server`)
    const group = names.filter(({ addresses }) => addresses.includes(address))
    for (const { model, hosts, ill, certificate, originSet } of servers) {
      check(MODELS[model] !== undefined, `model ${model}`)
      check(hosts === undefined || (MODELS[model]!.unknownHost !== 'serve' && proxy === undefined), `${model} is routed`)
      check(hosts === undefined || originSet === undefined, 'an Origin Set of a server that is chosen by name')
      answers404 ||= hosts !== undefined && MODELS[model]!.unknownHost === 404
      const isFirst = group[0]!.addresses[0] === address && group[0]!.addresses.length > 1
      check(ill === undefined || isFirst, `${address} is ill`)
      check(ill !== 'mute' || servers.every((each) => MODELS[each.model]!.h2 !== undefined), 'a mute server over HTTP/1.1')
      for (const { name } of group) {
        check(certificate.includes(name) || certificate.includes(name.replace(/^[^.]+/, '*')), `no certificate for ${name}`)
      }
    }
  }
  check((client.suspectStatuses !== undefined) === answers404, 'suspectStatuses')
}
