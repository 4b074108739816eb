/** Makes the faults of a script happen, and lifts them. */

import type { FaultScript } from '../script/script.js'
import type { Environment, Host } from './environment.js'

export function scheduleFaults(environment: Environment, faults: readonly FaultScript[]): void {
  for (const fault of faults) {
    environment.kernel.at(fault.at, () => {
      environment.trace.note(`fault ${fault.kind} ${fault.where ?? ''} until ${fault.until}`)
      const lift = begin(environment, fault)
      if (lift !== undefined) {
        environment.kernel.at(fault.until, () => {
          environment.trace.note(`fault ${fault.kind} ${fault.where ?? ''} lifted`)
          lift()
        })
      }
    })
  }
}

type Lift = (() => void) | undefined

function begin(environment: Environment, fault: FaultScript): Lift {
  if (fault.kind.startsWith('dns-')) return beginDns(environment, fault)
  const { kernel } = environment
  const durationMs = fault.until - fault.at
  if (fault.kind === 'suspend') {
    // A machine that is suspended cannot be suspended again.
    if (kernel.asleep) return undefined
    kernel.suspend(durationMs)
    return fault.roams === true ? () => environment.network.roam() : undefined
  }
  if (fault.kind === 'stall') kernel.stall(durationMs)
  else if (fault.kind === 'clock-step') kernel.stepWall(fault.ms ?? 0)
  else {
    const host = environment.hosts.get(fault.where ?? '')
    return host === undefined ? undefined : beginAt(host, fault)
  }
  return undefined
}

function beginAt({ machine, instances }: Host, { kind, until }: FaultScript): Lift {
  const { passes } = machine
  const accept = (): void => {
    machine.acceptance = 'accepts'
  }
  switch (kind) {
    case 'black-hole':
    case 'black-hole-to-client':
    case 'black-hole-to-server':
      if (kind !== 'black-hole-to-client') passes.toServer = false
      if (kind !== 'black-hole-to-server') passes.toClient = false
      return () => Object.assign(passes, { toServer: true, toClient: true })
    case 'reset-flows':
      for (const end of [...machine.flows]) end.reset()
      return undefined
    case 'half-close':
      for (const end of [...machine.flows]) end.end()
      return undefined
    case 'refuse':
    case 'ignore-syn':
      machine.acceptance = kind === 'refuse' ? 'refuses' : 'ignores'
      return accept
    case 'hang':
      for (const instance of instances) instance.hung = true
      return () => {
        for (const instance of instances) instance.hung = false
      }
    case 'freeze':
      machine.freeze(until)
      return undefined
    case 'kill':
      for (const instance of instances) instance.kill()
      machine.acceptance = 'refuses'
      return accept
    case 'deploy':
      for (const instance of instances) instance.deploy()
      return undefined
    default:
      return undefined
  }
}

function beginDns({ resolver, records }: Environment, { kind, where = '', addresses = [] }: FaultScript): Lift {
  if (kind === 'dns-missing') {
    resolver.missing.add(where)
    return () => resolver.missing.delete(where)
  }
  if (kind === 'dns-moves') {
    const record = records.get(where)
    if (record !== undefined) resolver.set(where, { ...record, addresses })
    return undefined
  }
  resolver.state = kind === 'dns-fails' ? 'fails' : kind === 'dns-silent' ? 'silent' : 'slow'
  return () => {
    resolver.state = 'well'
  }
}
