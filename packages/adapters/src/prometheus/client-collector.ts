/** One client in the metrics of a registry: its statistics when they are asked for, and the durations of its requests. */

import type { Client, ClientStats, RequestEvent } from '@unshard/core'
import { ClientEvents } from '../observation/client-events.js'
import type { RequestRecorder } from './registry-metrics.js'

/** A client whose statistics are collected. */
export class ClientCollector {
  readonly labels: Readonly<Record<string, string | number>>
  readonly #client: Client
  readonly #events: ClientEvents
  readonly #recorder: RequestRecorder
  /** Times at which requests have begun. The event of a request is the same object from start to end. */
  readonly #startedAt = new WeakMap<RequestEvent, number>()
  #stats: ClientStats | undefined

  /** @param id see `ClientStats.id`. */
  constructor(client: Client, id: number, labels: Readonly<Record<string, string | number>>, recorder: RequestRecorder) {
    this.#client = client
    this.labels = labels
    this.#recorder = recorder
    this.#events = new ClientEvents(id)
    this.#events.on<RequestEvent>('tracing:unshard:request:start', (event) => this.#startedAt.set(event, performance.now()))
    this.#events.on<RequestEvent>('tracing:unshard:request:asyncEnd', (event) => this.#ended(event))
  }

  /** The statistics now: one snapshot for all metrics that are collected together. */
  stats(): ClientStats {
    if (this.#stats === undefined) {
      this.#stats = this.#client.stats()
      queueMicrotask(() => {
        this.#stats = undefined
      })
    }
    return this.#stats
  }

  /** Ends the subscriptions. */
  stop(): void {
    this.#events.stop()
  }

  #ended(event: RequestEvent): void {
    const startedAt = this.#startedAt.get(event)
    if (startedAt === undefined) return
    const { method, status, error, receivedBytes, sentBytes } = event
    const outcome = error === undefined ? String(status) : 'error'
    this.#recorder.ended({
      labels: this.labels,
      method,
      status: outcome,
      seconds: (performance.now() - startedAt) / 1000,
      receivedBytes: receivedBytes ?? 0,
      sentBytes: sentBytes ?? 0,
    })
  }
}
