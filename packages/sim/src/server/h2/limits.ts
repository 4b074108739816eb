/** Limits of a server on what a client sends on one connection; beyond them it sends ENHANCE_YOUR_CALM. */

import type { Kernel } from '../../kernel/kernel.js'
import type { Http2Model } from '../model.js'

const MAX_STRIKES = 2
const RESETS_WITHIN_MS = 10_000
/** Envoy allows 5 + 2 × (streams + limit × DATA frames): `checkInboundFrameLimits`. */
const FREE_WINDOW_UPDATES = 5
const WINDOW_UPDATES_PER_STREAM = 2

export class Limits {
  readonly #model: Http2Model
  readonly #kernel: Kernel
  #pingedAt = Number.NEGATIVE_INFINITY
  #strikes = 0
  #streams = 0
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

  /** The client has opened a stream. */
  opened(): void {
    this.#streams++
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
    if (maxWindowUpdates === undefined) return false
    const counted = this.#streams + maxWindowUpdates * this.#dataFrames
    return this.#windowUpdates > FREE_WINDOW_UPDATES + WINDOW_UPDATES_PER_STREAM * counted
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
