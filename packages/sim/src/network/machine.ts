/**
 * A server machine and the path between it and the client's machine: what it can do to packets.
 * Must not know what the bytes mean.
 */

import type { Kernel } from '../kernel/kernel.js'
import type { Random } from '../kernel/random.js'

/** The way of a packet. */
export type Direction = 'toServer' | 'toClient'

/** Settings of a path that do not change. */
export interface PathOptions {
  /** One way, in milliseconds. */
  readonly latencyMs: number
  readonly jitterMs?: number
  /** Probability that a segment is lost and sent again. */
  readonly loss?: number
  /** Bytes per millisecond; unlimited by default. */
  readonly bandwidth?: number
  /** Largest number of bytes that are read at once; unlimited by default. */
  readonly sliceBytes?: number
  /** Time without a packet after which a flow is forgotten, and whether its next packet is answered by RST. */
  readonly nat?: { readonly forgetAfterMs: number; readonly mode: 'drop' | 'reset' }
}

/** The server's end of an open flow, as faults see it. */
export interface OpenEnd {
  /** Sends FIN. */
  end(): void
  /** Sends RST. */
  reset(): void
}

/** How the machine answers SYN. */
export type Acceptance = 'accepts' | 'refuses' | 'ignores'

export class Machine {
  readonly kernel: Kernel
  readonly path: PathOptions
  readonly random: Random
  /** When the line has sent what all flows have given it. */
  readonly lineFreeAt: Record<Direction, number> = { toServer: 0, toClient: 0 }
  /** Whether packets pass. */
  readonly passes: Record<Direction, boolean> = { toServer: true, toClient: true }
  acceptance: Acceptance = 'accepts'
  /** Open flows, in order of creation. */
  readonly flows: Set<OpenEnd> = new Set()
  #frozenUntil = 0
  #held: (() => void)[] = []

  constructor(kernel: Kernel, path: PathOptions, random: Random) {
    this.kernel = kernel
    this.path = path
    this.random = random
  }

  /** Whether packets pass in this direction now. */
  up(direction: Direction): boolean {
    return this.passes[direction] && !this.kernel.asleep
  }

  /** Time that a packet takes, one way. */
  delayMs(): number {
    const { latencyMs, jitterMs = 0, loss = 0 } = this.path
    let delay = latencyMs
    if (jitterMs > 0) delay += this.random.next() * jitterMs
    if (loss > 0) {
      for (let timeout = Math.max(200, 3 * latencyMs); this.random.chance(loss) && timeout < 6_400; timeout *= 2) delay += timeout
    }
    return delay
  }

  /** The processes of the machine run nothing until `until`; its kernel goes on. */
  freeze(until: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, until)
    this.kernel.at(until, () => this.#thaw())
  }

  get frozen(): boolean {
    return this.kernel.now < this.#frozenUntil
  }

  /** Calls `callback` of a process of this machine, once it runs. */
  run(callback: () => void): void {
    if (this.frozen || this.#held.length > 0) this.#held.push(callback)
    else callback()
  }

  #thaw(): void {
    while (!this.frozen && this.#held.length > 0) this.#held.shift()!()
  }
}
