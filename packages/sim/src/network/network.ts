/** The network of one world: which machine is at which address, and how connections are made. */

import type { Kernel } from '../kernel/kernel.js'
import type { Trace } from '../kernel/trace.js'
import { type End, Flow } from './flow.js'
import type { Machine } from './machine.js'

/** Times at which SYN is sent again, in milliseconds (RFC 6298, `tcp_syn_retries` of 6). */
const SYN_RETRIES_MS: readonly number[] = [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000]
const SYN_TIMEOUT_MS = 127_000

/** Takes the server's end of a connection. */
export type Acceptor = (end: End) => void

/** An attempt to connect. */
export interface Dial {
  readonly address: string
  readonly port: number
  /** Called with the client's end. */
  onConnected(end: End): void
  onFailed(code: string): void
}

export class Network {
  readonly kernel: Kernel
  readonly trace: Trace
  readonly #machines = new Map<string, Machine>()
  readonly #acceptors = new Map<string, Acceptor>()
  #flows = 0
  /** Number of SYNs per address. */
  readonly dials: Map<string, number[]> = new Map()
  readonly flows: Flow[] = []

  constructor(kernel: Kernel, trace: Trace) {
    this.kernel = kernel
    this.trace = trace
  }

  place(address: string, machine: Machine): void {
    this.#machines.set(address, machine)
  }

  /** Accepts connections to an address that has a machine. */
  listen(address: string, port: number, accept: Acceptor): void {
    this.#acceptors.set(`${address}:${port}`, accept)
  }

  /** Connects. Returns a function that gives up. */
  dial(dial: Dial): () => void {
    const { address, port } = dial
    const machine = this.#machines.get(address)
    this.trace.note(`dial ${address}:${port}`)
    const times = this.dials.get(address) ?? []
    times.push(this.kernel.now)
    this.dials.set(address, times)
    let over = false
    const settle = (end: () => void): void => {
      if (over) return
      over = true
      end()
    }
    if (machine === undefined) this.kernel.after(1, () => settle(() => dial.onFailed('EHOSTUNREACH')))
    else {
      for (const ms of SYN_RETRIES_MS) this.#afterAwake(ms, () => !over && this.#syn(machine, dial, settle))
      this.#afterAwake(SYN_TIMEOUT_MS, () => settle(() => dial.onFailed('ETIMEDOUT')))
    }
    return () => settle(() => undefined)
  }

  /** Timers of the client's kernel stand still while its machine is suspended. */
  #afterAwake(ms: number, callback: () => void): void {
    const { kernel } = this
    const startedAt = kernel.now
    let addedMs = 0
    const look = (): void => {
      const missingMs = kernel.sleptSince(startedAt) - addedMs
      if (missingMs <= 0) return callback()
      addedMs += missingMs
      kernel.after(missingMs, look)
    }
    kernel.after(ms, look)
  }

  /** The client's machine is in another network now. */
  roam(): void {
    for (const flow of this.flows) if (!flow.client.gone) flow.forget()
  }

  #syn(machine: Machine, dial: Dial, settle: (end: () => void) => void): void {
    const { kernel } = this
    kernel.after(machine.delayMs(), () => {
      if (!machine.up('toServer') || machine.acceptance === 'ignores') return
      const accept = machine.acceptance === 'accepts' ? this.#acceptors.get(`${dial.address}:${dial.port}`) : undefined
      kernel.after(machine.delayMs(), () => {
        if (!machine.up('toClient')) return
        settle(() => (accept === undefined ? dial.onFailed('ECONNREFUSED') : this.#establish(machine, dial, accept)))
      })
    })
  }

  /** The kernel of the server accepts, even while its processes are frozen. */
  #establish(machine: Machine, dial: Dial, accept: Acceptor): void {
    const flow = new Flow(++this.#flows, machine, dial, this.trace)
    this.flows.push(flow)
    this.trace.note(`flow ${flow.id} established with ${dial.address}:${dial.port}`)
    machine.run(() => accept(flow.server))
    dial.onConnected(flow.client)
  }
}
