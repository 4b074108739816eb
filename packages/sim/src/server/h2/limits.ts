/** Limits of a server on what a client sends on one connection; beyond them it sends ENHANCE_YOUR_CALM. */

import type { Kernel } from '../../kernel/kernel.js'
import type { Http2Model } from '../model.js'

const MAX_STRIKES = 2
const RESETS_WITHIN_MS = 10_000
/** Envoy counts from the first DATA frame on, with some to begin with. */
const FREE_WINDOW_UPDATES = 100

export class Limits {
  readonly #model: Http2Model
  readonly #kernel: Kernel
  #pingedAt = Number.NEGATIVE_INFINITY
  #strikes = 0
  #dataFrames = 0
  #windowUpdates = 0
  #resets: number[] = []

  constructor(model: Http2Model, kernel: Kernel) {
    this.#model = model
    this.#kernel = kernel
  }

  /** The server has sent HEADERS or DATA: gRPC forgives earlier strikes. */
  answered(isData: boolean): void {
    this.#strikes = 0
    this.#pingedAt = Number.NEGATIVE_INFINITY
    if (isData) this.#dataFrames++
  }

  tooManyPings(): boolean {
    const { pingIntervalMs } = this.#model
    if (pingIntervalMs === undefined) return false
    const { now } = this.#kernel
    if (now - this.#pingedAt < pingIntervalMs) this.#strikes++
    this.#pingedAt = now
    return this.#strikes > MAX_STRIKES
  }

  tooManyWindowUpdates(): boolean {
    const { maxWindowUpdates } = this.#model
    this.#windowUpdates++
    return maxWindowUpdates !== undefined && this.#windowUpdates > FREE_WINDOW_UPDATES + maxWindowUpdates * this.#dataFrames
  }

  tooManyResets(): boolean {
    const { maxResets } = this.#model
    if (maxResets === undefined) return false
    const { now } = this.#kernel
    this.#resets.push(now)
    while (this.#resets[0]! < now - RESETS_WITHIN_MS) this.#resets.shift()
    return this.#resets.length > maxResets
  }
}
