/** The modelled world of one run, built from its script: machines, servers, names, proxies. */

import { Callers } from '../caller/caller.js'
import type { RunningWorld } from '../kernel/builtins.js'
import { Kernel } from '../kernel/kernel.js'
import { Random } from '../kernel/random.js'
import { Trace } from '../kernel/trace.js'
import { Ledger } from '../ledger/ledger.js'
import { connectSocket, type SimSocket, type SocketWorld } from '../network/client-socket.js'
import { Machine } from '../network/machine.js'
import { Network } from '../network/network.js'
import { type DnsRecord, ModelledResolver } from '../network/resolver.js'
import type { MachineScript, WorldScript } from '../script/script.js'
import { Application } from '../server/application.js'
import { Instance } from '../server/instance.js'
import { modelNamed } from '../server/models/all.js'
import { acceptProxy } from '../server/proxy.js'
import { acceptRealTls } from '../server/real-tls.js'
import { routeByName } from '../server/sni-router.js'
import { acceptTls } from '../server/tls.js'
import { connectTls } from '../tls/client-tls.js'
import { connectRealTls } from '../tls/real-client-tls.js'

/** A machine and its servers. */
export interface Host {
  readonly script: MachineScript
  readonly machine: Machine
  readonly instances: readonly Instance[]
}

export const PROXY_PORT = 3_128

export class Environment implements SocketWorld {
  readonly kernel: Kernel
  readonly trace: Trace
  readonly ledger: Ledger = new Ledger()
  readonly network: Network
  readonly resolver: ModelledResolver
  readonly records: Map<string, DnsRecord> = new Map()
  readonly sockets: Set<SimSocket> = new Set()
  readonly hosts: Map<string, Host> = new Map()
  readonly callers: Callers
  readonly #application: Application
  readonly script: WorldScript

  constructor(script: WorldScript, verbose: boolean) {
    this.script = script
    this.kernel = new Kernel((error) => this.ledger.find('crash', String((error as Error)?.stack ?? error)))
    this.trace = new Trace(() => this.kernel.now, verbose)
    this.network = new Network(this.kernel, this.trace)
    for (const { name, ...record } of script.names) this.records.set(name, record)
    this.resolver = new ModelledResolver(this.kernel, new Random(script.seed, 'resolver'), this.records)
    this.#application = new Application(this.kernel, this.ledger)
    this.callers = new Callers(this.kernel, this.ledger, this.trace)
    for (const machine of script.machines) this.#place(machine)
    if (script.proxy !== undefined) this.#placeProxy(script.proxy)
  }

  /** Stands behind builtins while this world runs. */
  get builtins(): RunningWorld {
    const random = new Random(this.script.seed, 'Math.random')
    const connectSecure = this.script.tls === 'real' ? connectRealTls : connectTls
    return {
      kernel: this.kernel,
      random: () => random.next(),
      connect: (options) => connectSocket(this, options),
      connectTls: (options) => connectSecure(this, options),
    }
  }

  #place(script: MachineScript): void {
    const { address, servers, ...path } = script
    const machine = new Machine(this.kernel, path, new Random(this.script.seed, `path ${address}`))
    const { kernel, ledger } = this
    const secure = this.script.tls === 'real' ? acceptRealTls : acceptTls
    const deps = { kernel, ledger, machine, address, application: this.#application, acceptTls: secure }
    const instances = servers.map((server) => new Instance(deps, server, modelNamed(server.model)))
    let next = 0
    const routed = servers.some(({ hosts }) => hosts !== undefined)
    this.network.listen(address, 443, (end) =>
      routed ? routeByName(end, instances) : instances[next++ % instances.length]!.accept(end, true),
    )
    this.network.listen(address, 80, (end) => instances[next++ % instances.length]!.accept(end, false))
    this.network.place(address, machine)
    this.hosts.set(address, { script, machine, instances })
  }

  #placeProxy({ kind, address }: NonNullable<WorldScript['proxy']>): void {
    const machine = new Machine(this.kernel, { latencyMs: 2 }, new Random(this.script.seed, `path ${address}`))
    const resolve = (host: string): string | undefined => this.records.get(host)?.addresses[0] ?? host
    this.network.listen(address, PROXY_PORT, (end) => acceptProxy(kind, end, this.network, resolve))
    this.network.place(address, machine)
  }
}
