/**
 * What an origin is known to speak. http2-wrapper resolves ALPN and remembers; the memory is ours, with a bound and a lifetime. It is
 * loaded a while after the first handshake has begun, and told of that one then: it brings node:http2 with it, 25 ms in which nothing else
 * happens, and a first answer has no use for them. A program that only speaks cleartext never loads it.
 */

import { BoundedCache } from '../bounded-cache.js'
import type { Clock, ClockTimer } from '../deadlines.js'
import type { ProtocolName } from '../pool-settings.js'
import type { SecureSocket } from './secure.js'

/** Origins remembered, and for how long: a server that learns HTTP/2 is met in time. */
const MAX_ORIGINS = 4_096
const TTL_MS = 300_000
/** From the first handshake's beginning to the loading of the resolver: most first answers are there by then. */
const LOAD_DELAY_MS = 1_000
const PROTOCOLS: readonly ProtocolName[] = ['h2', 'http/1.1']

type ResolveProtocol = (options: object) => Promise<{ alpnProtocol: string; socket?: unknown }>
type CreateResolveProtocol = (
  cache: { has(key: string): boolean; get(key: string): string | undefined; set(key: string, value: string): unknown },
  queue: Map<string, Promise<unknown>>,
  connect: (options: { dial: () => Promise<SecureSocket> }, callback: () => void) => Promise<unknown>,
) => ResolveProtocol

/** The ALPN answers of one client. */
export class ProtocolMemory {
  readonly #import: () => Promise<{ default: unknown }>
  readonly #cache: BoundedCache<string>
  readonly #clock: Clock
  #resolver: Promise<ResolveProtocol | undefined> | undefined
  #timer: ClockTimer | undefined

  /** @param importResolver what brings http2-wrapper. */
  constructor(clock: Clock, importResolver: () => Promise<{ default: unknown }> = () => import('http2-wrapper')) {
    this.#import = importResolver
    this.#clock = clock
    this.#cache = new BoundedCache({ max: MAX_ORIGINS, ttl: TTL_MS, ttlResolution: 0, perf: clock })
  }

  /** What `dialKey` answered last, while that is fresh. */
  known(dialKey: string): string | undefined {
    return this.#cache.get(nameOf(dialKey))
  }

  /** What it answered last is not so any more. */
  forget(dialKey: string): void {
    this.#cache.delete(nameOf(dialKey))
  }

  /** Nothing more will be connected to, and nothing loaded. */
  close(): void {
    this.#timer?.cancel()
  }

  /** The resolver, when its time has come. Where loading it fails, for want of files for instance, there is none, and it is tried again. */
  #load(): Promise<ResolveProtocol | undefined> {
    this.#resolver ??= this.#delay()
      .then(this.#import)
      .then(
        (module) => this.#create((module.default as { auto: { createResolveProtocol: CreateResolveProtocol } }).auto),
        () => {
          this.#resolver = undefined
          return undefined
        },
      )
    return this.#resolver
  }

  /** No process is kept alive for it. */
  #delay(): Promise<void> {
    return new Promise((resolve) => {
      this.#timer = this.#clock.startTimer(LOAD_DELAY_MS, resolve)
      this.#timer.unref()
    })
  }

  /**
   * Learns the protocol of a connection that is being made, and was offered every one. What becomes of it is told as it is, whatever the
   * resolver says: that makes one dial of several at a time wait for another's, which may fail or take for ever.
   */
  async resolve(dialKey: string, secured: Promise<SecureSocket>): Promise<SecureSocket> {
    // Our own key stands in for the host: http2-wrapper's leaves TLS options out, and a waiter would get another's answer.
    const asked = { host: dialKey, ALPNProtocols: PROTOCOLS, resolveSocket: true, dial: () => secured }
    secured.catch(() => undefined)
    void this.#load().then((resolveProtocol) => resolveProtocol?.({ ...asked }).catch(() => undefined))
    const result = await secured
    this.#cache.set(nameOf(dialKey), result.protocol ?? 'http/1.1')
    return result
  }

  #create(auto: { createResolveProtocol: CreateResolveProtocol }): ResolveProtocol {
    return auto.createResolveProtocol(this.#cache, new Map(), async ({ dial }, callback) => {
      const { socket } = await dial()
      callback()
      return socket
    })
  }
}

/** http2-wrapper's own form of a cache key. What is offered is in the dial key already. */
function nameOf(dialKey: string): string {
  return `${dialKey}:undefined:${PROTOCOLS.join()}`
}
